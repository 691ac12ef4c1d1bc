#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "moca/checkpoint/weights.h"
#include "moca/image/image.h"
#include "moca/parity/verify.h"

namespace moca::parity {

// Beginnings of the names in a fixture that are no weights.
inline const std::vector<std::string> kNotWeights = {"inputs/", "outputs/"};

// A fixture's file and description, and the comparisons made with its outputs.
class Fixture {
 public:
  explicit Fixture(const std::filesystem::path& file);

  const checkpoint::Weights& weights() const { return weights_; }
  // Where modules compute and inputs are read to; the CPU until told otherwise.
  c10::Device device() const { return device_; }
  void compute_on(c10::Device device) { device_ = device; }
  const std::filesystem::path& description_file() const { return description_file_; }
  const std::string& name() const { return name_; }

  // The value of a key of the description; an Error where it is missing.
  const nlohmann::json& at(const char* key) const;
  const nlohmann::json& description() const { return description_; }
  std::string kind() const;

  at::Tensor input(const std::string& name) const;
  bool has_input(const std::string& name) const;
  at::Tensor output(const std::string& name) const;
  bool has_output(const std::string& name) const;
  std::vector<std::string> output_names() const;
  // An input [height, width, channels] of bytes.
  Image image(const std::string& name) const;

  // Compares ours with an output: whole numbers must be equal, others within the tolerance times
  // max(1, the largest reference value). An output that is not in the fixture is left out.
  void compare(const std::string& name, const at::Tensor& ours);
  void compare_exactly(const std::string& name, const at::Tensor& ours);
  // A comparison made by other means; `name` may be an output or more than one about it.
  void record(Comparison comparison);

  void set_tolerance(double tolerance) { tolerance_ = tolerance; }

  // All comparisons; every output without one is a failure.
  Verification result() const;

 private:
  void compare_within(const std::string& name, const at::Tensor& ours, double tolerance);

  std::filesystem::path file_;
  c10::Device device_ = c10::Device(c10::kCPU);
  std::filesystem::path description_file_;
  std::string name_;
  checkpoint::Weights weights_;
  nlohmann::json description_;
  double tolerance_ = 5e-5;  // of all kinds but ops
  std::vector<Comparison> comparisons_;
  std::set<std::string> compared_;
};

}  // namespace moca::parity
