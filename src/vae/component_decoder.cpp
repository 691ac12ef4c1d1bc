#include "moca/vae/component_decoder.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <cstring>
#include <span>

#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/shapes.h"
#include "moca/core/transfer.h"

namespace moca::vae {
namespace {

// The VAE's field of one component as the callback that mesh extraction wants.
mesh::Field field_of(VecsetVae& vae, const nn::HeadTensors& prepared, at::Device device) {
  return [&vae, prepared, device](std::span<const mesh::Vec3> points, std::span<float> values) {
    stop_if_interrupted();
    const auto count = static_cast<int64_t>(points.size());
    const auto query_points = to_device(
        at::from_blob(const_cast<float*>(points.data()->data()), {1, count, 3}, at::kFloat),
        device);
    const auto field = to_host(vae->query_prepared(prepared, query_points).contiguous());
    std::memcpy(values.data(), field.const_data_ptr<float>(), values.size_bytes());
  };
}

}  // namespace

void DecoderConfig::validate(const std::string& path) const {
  int64_t cells = resolution - 1;
  while (cells > coarse_resolution - 1 && cells % 2 == 0) {
    cells /= 2;
  }
  if (cells != coarse_resolution - 1) {
    throw Error(path, ".resolution (", resolution, ") must be (", path,
                ".coarse_resolution - 1) * 2^n + 1; with coarse_resolution ", coarse_resolution,
                " that is ", 2 * (coarse_resolution - 1) + 1, ", ", 4 * (coarse_resolution - 1) + 1,
                ", ...");
  }
}

mesh::ExtractionOptions DecoderConfig::options() const {
  return {.resolution = static_cast<int>(resolution),
          .coarse_resolution = static_cast<int>(coarse_resolution),
          .half_size = static_cast<float>(half_size),
          .max_slope = static_cast<float>(max_slope),
          .chunk = chunk};
}

std::vector<mesh::TriangleMesh> decode_components(VecsetVae& vae, const at::Tensor& latents,
                                                  const DecoderConfig& config) {
  const torch::NoGradGuard no_grad;
  const auto [n, L, C] = shape<3>(latents, "latents [n, L, C]");
  std::vector<mesh::TriangleMesh> meshes;
  for (int64_t i = 0; i < n; ++i) {
    const auto prepared = vae->prepare_queries(vae->decode(latents.narrow(0, i, 1)));
    meshes.push_back(
        mesh::mesh_from_field(field_of(vae, prepared, latents.device()), config.options()).mesh);
  }
  return meshes;
}

}  // namespace moca::vae
