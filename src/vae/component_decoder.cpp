#include "moca/vae/component_decoder.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>

#include <cstring>
#include <future>
#include <span>
#include <utility>

#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/shapes.h"
#include "moca/core/transfer.h"
#include "moca/nn/autocast.h"

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

// While it lives, attention is not cuDNN's, which prepares itself for every new number of queries.
struct WithoutCudnn {
  bool before = at::globalContext().userEnabledCuDNNSDP();
  WithoutCudnn() { at::globalContext().setSDPUseCuDNN(false); }
  ~WithoutCudnn() { at::globalContext().setSDPUseCuDNN(before); }
};

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
                                                  const DecoderConfig& config, bool use_bf16) {
  const auto [n, L, C] = shape<3>(latents, "latents [n, L, C]");
  const auto device = latents.device();
  const WithoutCudnn scope;
  const auto stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  const auto mesh_of = [&, device](int64_t i) {
    const torch::NoGradGuard no_grad;
    const c10::StreamGuard guard(stream);  // a thread begins with the device's default one
    const nn::Autocast autocast(device, use_bf16 && !device.is_cpu());
    const auto prepared = vae->prepare_queries(vae->decode(latents.narrow(0, i, 1)));
    return mesh::mesh_from_field(field_of(vae, prepared, device), config.options()).mesh;
  };
  // Beside a GPU the next component is begun before this one is done: one has the GPU while the
  // other's lattice is refined on the host.
  const auto begin = [&](int64_t i) {
    return std::async(device.is_cpu() ? std::launch::deferred : std::launch::async, mesh_of, i);
  };
  std::vector<mesh::TriangleMesh> meshes;
  std::future<mesh::TriangleMesh> current, next;
  for (int64_t i = 0; i < n; ++i) {
    current = i == 0 ? begin(0) : std::exchange(next, {});
    if (i + 1 < n) {
      next = begin(i + 1);
    }
    meshes.push_back(current.get());
  }
  return meshes;
}

}  // namespace moca::vae
