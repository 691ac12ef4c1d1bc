#pragma once

#include "moca/image/image.h"

namespace moca {

// Every channel by itself, whatever their number: premultiply RGBA where that matters.

// Pillow 13's 8-bit BICUBIC, bit for bit: antialiased when shrinking, an axis that keeps its size
// is left alone. Older ones round in another order where the height shrinks much more than the
// width.
Image resize_bicubic(const Image& image, int width, int height);

// The nearest pixel as torch's interpolate(mode="nearest") takes it, for masks and id maps.
template <class Value>
PixelGrid<Value> resize_nearest(const PixelGrid<Value>& image, int width, int height);

// Averages the covered area: OpenCV's INTER_AREA, bit for bit where both axes shrink.
Image resize_area(const Image& image, int width, int height);

// Bicubic so that the shorter side becomes `shortest_edge`, the longer one in proportion, rounded
// down (transformers' size: {shortest_edge}).
Image resize_shortest_edge(const Image& image, int shortest_edge);

// RGB on white, padded to a centred square, by area to size x size: how a dataset holds an image
// and how a model trained on it gets one.
Image to_square_rgb(const Image& image, int size);

// The middle of the image, padded with zeros where it is smaller than the crop (transformers'
// center_crop).
Image center_crop(const Image& image, int width, int height);

}  // namespace moca
