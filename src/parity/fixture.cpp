#include "fixture.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "moca/checkpoint/strict_json.h"
#include "moca/core/error.h"

namespace moca::parity {
namespace {

std::filesystem::path beside(std::filesystem::path file) {
  if (file.extension() == ".json") {
    file.replace_extension(".safetensors");
  }
  if (file.extension() != ".safetensors") {
    throw Error(file, ": a fixture is NAME.safetensors with NAME.json beside it.");
  }
  return file;
}

}  // namespace

Fixture::Fixture(const std::filesystem::path& file, c10::Device device)
    : device_(device),
      weights_(beside(file)),
      description_file_(std::filesystem::path(weights_.path()).replace_extension(".json")),
      description_(checkpoint::read_json_object(description_file_)) {}

const nlohmann::json& Fixture::at(const char* key) const {
  const auto found = description_.find(key);
  if (found == description_.end()) {
    throw Error(description_file_, ": '", key, "' is missing.");
  }
  return *found;
}

std::vector<std::string> Fixture::output_names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : weights_.entries()) {
    if (name.rfind(kOutputs, 0) == 0) {
      names.push_back(name.substr(std::strlen(kOutputs)));
    }
  }
  return names;
}

Image Fixture::image(const std::string& name) const {
  const auto bytes = weights_.read(kInputs + name).contiguous();
  if (bytes.dim() != 3 || bytes.scalar_type() != at::kByte) {
    throw Error(weights_.path(), ": ", kInputs, name, " must be bytes [height, width, channels].");
  }
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)),
              static_cast<int>(bytes.size(2)));
  std::memcpy(image.pixels.data(), bytes.const_data_ptr<uint8_t>(), image.pixels.size());
  return image;
}

void Fixture::compare(const std::string& name, const at::Tensor& ours) {
  if (!has_output(name)) {
    return;
  }
  const auto reference = output(name);
  Comparison comparison{.output = name};
  if (reference.is_floating_point() && reference.numel() > 0) {
    comparison.tolerance = tolerance_ * std::max(1.0, reference.abs().max().item<double>());
  }
  if (reference.sizes() != ours.sizes()) {
    comparison.note =
        "shape " + c10::str(ours.sizes()) + ", the reference is " + c10::str(reference.sizes());
  } else if (reference.numel() > 0) {
    const auto difference = (ours.cpu().to(at::kDouble) - reference.to(at::kDouble)).abs();
    comparison.error = difference.max().item<double>();  // NaN where either is
  }
  record(std::move(comparison));
}

void Fixture::record(Comparison comparison) {
  comparison.passed = comparison.note.empty() && comparison.error <= comparison.tolerance;
  comparisons_.push_back(std::move(comparison));
}

Verification Fixture::result() const {
  Verification result{weights_.path().stem().string(), kind(), comparisons_};
  for (const auto& name : output_names()) {
    if (std::ranges::find(comparisons_, name, &Comparison::output) == comparisons_.end()) {
      result.comparisons.push_back({.output = name, .note = "nothing is compared with it"});
    }
  }
  return result;
}

}  // namespace moca::parity
