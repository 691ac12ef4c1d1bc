#pragma once

#include "moca/image/image.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// Looks at the origin from outside. Azimuth 0 looks along -Z from +Z, azimuth 90 from +X; elevation
// 90 looks straight down the Y axis. With `field_of_view` 0 the view is orthographic.
struct Camera {
  float azimuth = 35.0F;       // degrees
  float elevation = 22.0F;     // degrees
  float field_of_view = 0.0F;  // degrees, of the whole image
  float distance = 4.0F;       // from the origin, PartCrafter renders at radius 4
  float half_extent = 1.35F;   // half the side of an orthographic image; longest side 1.9 fits
};

// What is drawn over the shaded colours. Creases: outlines, jumps in depth and sharp edges, which a
// camera sees too. Where components touch nothing is drawn: the image must not tell them apart.
enum class Lines { kNone, kCreases };

struct Rendering {
  Image color;                 // RGB on white, [size, size]
  ComponentMap component_ids;  // 0 background, i + 1 for component i
};

// Shades each component's colour, flat or painted, by its normal; `supersampling`^2 rays a pixel
// for the colour, one ray through the pixel's centre for the id. But for their colours, the image
// is the same however the faces are divided into components.
Rendering render(const Scene& scene, const Camera& camera, int size, int supersampling = 2,
                 Lines lines = Lines::kNone);

// The camera where it shows the whole scene in an image of `size` pixels a side, the outermost
// ones left free. Otherwise the same camera as far away, or as wide if it is orthographic, as that
// takes.
Camera fitted(Camera camera, const Scene& scene, int size, Lines lines = Lines::kNone);

// Distinct colours for components, the same for index i everywhere in the project. RGB in [0, 1].
Vec3 component_color(int index);

}  // namespace moca::mesh
