#pragma once

#include <vector>

#include "moca/config/rules.h"
#include "moca/mesh/field_extraction.h"
#include "moca/mesh/triangle_mesh.h"
#include "moca/vae/vecset_vae.h"

namespace moca::vae {

struct DecoderConfig {
  int64_t resolution = 129;
  int64_t coarse_resolution = 33;
  double half_size = 1.005;
  double max_slope = 10.0;
  int64_t chunk = 50000;

  static void fields(auto& self, auto&& v) {
    using config::above, config::at_least, config::in_range;
    v("resolution", self.resolution, "R: samples along each axis of the mesh's lattice",
      in_range(3, 4097));
    v("coarse_resolution", self.coarse_resolution,
      "samples along each axis of the first, dense pass; (R - 1) / (this - 1) is a power of two",
      in_range(3, 1025));
    v("half_size", self.half_size, "the lattice spans [-half_size, half_size]^3 (TripoSG: 1.005)",
      above(0.0));
    v("max_slope", self.max_slope,
      "most the field changes per unit of length: the decoder refines wherever a surface can "
      "then be (distances: 1 / vae_training.truncation; occupancy has no bound; 0: only where "
      "the sign changes)",
      at_least(0.0));
    v("chunk", self.chunk, "query points decoded at a time (TripoSG: 50,000)", at_least(1));
  }
  void validate(const std::string& path) const;
  mesh::ExtractionOptions options() const;
};

// The mesh of each component of latents [n, L, C]: hierarchical queries of the VAE's field,
// marching cubes on what was refined. A field without a surface gives an empty mesh. `use_bf16`:
// on a GPU under bf16 autocast; the CPU computes in the type of the weights.
std::vector<mesh::TriangleMesh> decode_components(VecsetVae& vae, const at::Tensor& latents,
                                                  const DecoderConfig& config,
                                                  bool use_bf16 = false);

}  // namespace moca::vae
