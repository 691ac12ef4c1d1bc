#include "fixture.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "moca/checkpoint/strict_json.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca::parity {
namespace {

constexpr const char* kInputs = "inputs/";
constexpr const char* kOutputs = "outputs/";

nlohmann::json read_description(const std::filesystem::path& file) {
  auto json = checkpoint::parse_json(read_file(file), file.string());
  if (!json.is_object()) {
    throw Error(file.string() + ": expected a JSON object.");
  }
  return json;
}

std::filesystem::path beside(std::filesystem::path file) {
  if (file.extension() == ".json") {
    file.replace_extension(".safetensors");
  }
  if (file.extension() != ".safetensors") {
    throw Error(file.string() + ": a fixture is NAME.safetensors with NAME.json beside it.");
  }
  return file;
}

}  // namespace

Fixture::Fixture(const std::filesystem::path& file)
    : file_(beside(file)),
      description_file_(std::filesystem::path(file_).replace_extension(".json")),
      name_(file_.stem().string()),
      weights_(file_),
      description_(read_description(description_file_)) {}

const nlohmann::json& Fixture::at(const char* key) const {
  const auto found = description_.find(key);
  if (found == description_.end()) {
    throw Error(description_file_.string() + ": '" + key + "' is missing.");
  }
  return *found;
}

std::string Fixture::kind() const {
  const auto& kind = at("kind");
  if (!kind.is_string()) {
    throw Error(description_file_.string() + ": kind must be a text.");
  }
  return kind.get<std::string>();
}

at::Tensor Fixture::input(const std::string& name) const {
  return weights_.read(kInputs + name).to(device_);
}

bool Fixture::has_input(const std::string& name) const { return weights_.contains(kInputs + name); }

at::Tensor Fixture::output(const std::string& name) const { return weights_.read(kOutputs + name); }

bool Fixture::has_output(const std::string& name) const {
  return weights_.contains(kOutputs + name);
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
    throw Error(file_.string() + ": " + kInputs + name +
                " must be bytes [height, width, channels].");
  }
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)),
              static_cast<int>(bytes.size(2)));
  std::memcpy(image.pixels.data(), bytes.const_data_ptr<uint8_t>(), image.pixels.size());
  return image;
}

void Fixture::compare(const std::string& name, const at::Tensor& ours) {
  if (has_output(name)) {
    const auto reference = output(name);
    const bool whole = !reference.is_floating_point();
    const double scale =
        whole || reference.numel() == 0 ? 1.0 : reference.abs().max().item<double>();
    compare_within(name, ours, whole ? 0.0 : tolerance_ * std::max(1.0, scale));
  }
}

void Fixture::compare_exactly(const std::string& name, const at::Tensor& ours) {
  if (has_output(name)) {
    compare_within(name, ours, 0.0);
  }
}

void Fixture::compare_within(const std::string& name, const at::Tensor& ours, double tolerance) {
  const auto reference = output(name);
  Comparison comparison{name, 0.0, tolerance, false, ""};
  if (reference.sizes() != ours.sizes()) {
    comparison.note =
        "shape " + c10::str(ours.sizes()) + ", the reference is " + c10::str(reference.sizes());
  } else if (reference.numel() > 0) {
    const auto difference = (ours.cpu().to(at::kDouble) - reference.to(at::kDouble)).abs();
    comparison.error = difference.max().item<double>();  // NaN where either is
  }
  comparison.passed = comparison.note.empty() && comparison.error <= tolerance;
  record(comparison);
}

void Fixture::record(Comparison comparison) {
  compared_.insert(comparison.output);
  comparisons_.push_back(std::move(comparison));
}

Verification Fixture::result() const {
  Verification result{name_, kind(), comparisons_};
  for (const auto& name : output_names()) {
    if (compared_.count(name) == 0) {
      result.comparisons.push_back({name, 0.0, 0.0, false, "nothing is compared with it"});
    }
  }
  return result;
}

}  // namespace moca::parity
