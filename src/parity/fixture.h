#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/weights.h"
#include "moca/image/image.h"
#include "moca/parity/verify.h"

namespace moca::parity {

// Beginnings of the names in a fixture that are no weights.
inline constexpr const char* kInputs = "inputs/";
inline constexpr const char* kOutputs = "outputs/";
inline const std::vector<std::string> kNotWeights = {kInputs, kOutputs};

// A fixture's file and description, and the comparisons made with its outputs.
class Fixture {
 public:
  Fixture(const std::filesystem::path& file, c10::Device device);

  const checkpoint::Weights& weights() const { return weights_; }
  // Where modules compute and inputs are read to.
  c10::Device device() const { return device_; }
  void compute_on(c10::Device device) { device_ = device; }
  const std::filesystem::path& description_file() const { return description_file_; }

  // The value of a key of the description; an Error where it is missing.
  const nlohmann::json& at(const char* key) const;
  const nlohmann::json& description() const { return description_; }
  std::string kind() const { return at("kind"); }

  at::Tensor input(const std::string& name) const {
    return weights_.read(kInputs + name).to(device_);
  }
  at::Tensor output(const std::string& name) const { return weights_.read(kOutputs + name); }
  bool has_output(const std::string& name) const { return weights_.contains(kOutputs + name); }
  std::vector<std::string> output_names() const;
  // An input [height, width, channels] of bytes.
  Image image(const std::string& name) const;

  // Compares ours with an output: whole numbers must be equal, others within the tolerance times
  // max(1, the largest reference value). An output that is not in the fixture is left out.
  void compare(const std::string& name, const at::Tensor& ours);
  // A comparison made by other means; `name` may be an output or more than one about it.
  void record(Comparison comparison);

  void set_tolerance(double tolerance) { tolerance_ = tolerance; }

  // All comparisons; every output without one is a failure.
  Verification result() const;

 private:
  c10::Device device_;
  checkpoint::Weights weights_;
  std::filesystem::path description_file_;
  nlohmann::json description_;
  double tolerance_ = 5e-5;  // of most kinds
  std::vector<Comparison> comparisons_;
};

}  // namespace moca::parity
