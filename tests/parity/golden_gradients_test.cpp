#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "moca/checkpoint/module_state.h"
#include "moca/checkpoint/weights.h"
#include "moca/config/schema.h"
#include "moca/dit/moca_dit.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/training/optimizer.h"
#include "moca/vae/vecset_vae.h"
#include "tests/support/python_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_device.h"

// Our modules against a plain PyTorch statement of the same maths (scripts/plain_models): outputs,
// the gradient of every parameter, and every parameter after ten AdamW steps.
namespace moca {
namespace {

using Tensors = std::map<std::string, at::Tensor>;
using Compute = std::function<Tensors(const Tensors& inputs)>;

// Times max(1, largest reference).
constexpr double kTolerance = 5e-5;
// Ten steps move a parameter by 1e-2 at most and their weight decay by 1e-4 of itself.
constexpr double kStepTolerance = 1e-5;

// What scripts/golden_gradients.py wrote for one model.
struct Golden {
  nlohmann::json description;
  checkpoint::Weights file;

  // The tensors under "group/", without that prefix, on the device of the tests.
  Tensors tensors(const std::string& group) const {
    Tensors found;
    for (const auto& [name, entry] : file.entries()) {
      if (name.rfind(group + "/", 0) == 0) {
        found.emplace(name.substr(group.size() + 1), testing::on_device(file.read(name)));
      }
    }
    return found;
  }

  template <typename Config>
  Config config() const {
    return config::parse<Config>(description.at("config").dump(), "golden.json");
  }
};

// Runs the script for one model; without Python's torch nothing, and the reason in `skipped`.
std::optional<Golden> make_golden(const testing::TemporaryFolder& folder, const std::string& name,
                                  std::string& skipped) {
  const auto run = testing::run_script("scripts/golden_gradients.py",
                                       "'" + folder.path().string() + "' " + name);
  if (run.code == testing::kPackageMissing) {
    skipped = run.output;
    return std::nullopt;
  }
  EXPECT_EQ(run.code, 0) << run.output;
  std::ifstream text(folder / (name + ".json"));
  return Golden{nlohmann::json::parse(text), checkpoint::Weights(folder / (name + ".safetensors"))};
}

// Compares tensors one by one and remembers the worst.
class Comparison {
 public:
  explicit Comparison(double tolerance) : tolerance_(tolerance) {}
  void add(const std::string& key, const at::Tensor& actual, const at::Tensor& expected) {
    ASSERT_EQ(actual.sizes(), expected.sizes()) << key;
    const auto reference = expected.to(at::kDouble);
    const double error = (actual.detach().to(at::kDouble) - reference).abs().max().item<double>();
    const double allowed = tolerance_ * std::max(1.0, reference.abs().max().item<double>());
    EXPECT_LE(error, allowed) << key;  // false for NaN too
    if (error / allowed > worst_share_) {
      worst_share_ = error / allowed;
      worst_key_ = key;
    }
  }
  void report(const std::string& what) const {
    ::testing::Test::RecordProperty(
        what, std::to_string(worst_share_) + " of the tolerance at " + worst_key_);
  }

 private:
  double tolerance_;
  double worst_share_ = -1;
  std::string worst_key_;
};

at::Tensor loss_of(const Compute& compute, const Tensors& inputs, const Tensors& projections) {
  at::Tensor loss;
  const auto outputs = compute(inputs);
  for (const auto& [name, projection] : projections) {
    const auto term = (outputs.at(name) * projection).sum();
    loss = loss.defined() ? loss + term : term;
  }
  return loss;
}

// A module's parameters under the names of the file.
Tensors parameters_of(const torch::nn::Module& module,
                      const std::map<std::string, std::string>& renamed) {
  Tensors parameters;
  for (const auto& item : module.named_parameters()) {
    std::string name = item.key();
    for (const auto& [in_file, in_module] : renamed) {
      name = name == in_module ? in_file : name;
    }
    parameters.emplace(name, item.value());
  }
  return parameters;
}

void compare_outputs(const Golden& golden, const Compute& compute, const Tensors& inputs) {
  Comparison comparison(kTolerance);
  const auto actual = compute(inputs);
  const auto expected = golden.tensors("outputs");
  ASSERT_FALSE(expected.empty());
  for (const auto& [name, output] : expected) {
    comparison.add(name, actual.at(name), output);
  }
  comparison.report("outputs");
}

// After loss.backward(): every parameter and every continuous input is compared, or has no gradient
// on either side.
void compare_gradients(const Golden& golden, const Tensors& parameters, const Tensors& inputs) {
  Comparison comparison(kTolerance);
  auto expected = golden.tensors("gradients");
  std::set<std::string> without;
  for (const auto& name : golden.description.at("without_gradient")) {
    without.insert(name.get<std::string>());
  }
  for (const auto& [name, parameter] : parameters) {
    const auto& gradient = parameter.grad();
    if (without.count(name) > 0) {
      EXPECT_TRUE(!gradient.defined() || gradient.count_nonzero().item<int64_t>() == 0) << name;
      continue;
    }
    ASSERT_TRUE(gradient.defined()) << name;
    ASSERT_EQ(expected.count(name), 1U) << name;
    comparison.add(name, gradient, expected.at(name));
    expected.erase(name);
  }
  EXPECT_TRUE(expected.empty()) << "no parameter for " << expected.begin()->first;
  for (const auto& [name, gradient] : golden.tensors("input_gradients")) {
    comparison.add("input " + name, inputs.at(name).grad(), gradient);
  }
  comparison.report("gradients");
}

void compare_steps(const Golden& golden, const torch::nn::Module& module, const Tensors& parameters,
                   const std::function<at::Tensor()>& loss) {
  const auto& adamw = golden.description.at("adamw");
  training::OptimizerConfig config;
  config.beta1 = adamw.at("betas").at(0);
  config.beta2 = adamw.at("betas").at(1);
  config.epsilon = adamw.at("eps");
  config.weight_decay = adamw.at("weight_decay");
  config.max_gradient_norm = 0;  // no clipping
  training::Optimizer optimizer(module, config);
  const double scale = golden.description.at("step_loss_scale");
  for (int64_t step = 0; step < golden.description.at("steps").get<int64_t>(); ++step) {
    optimizer.zero_gradients();
    (scale * loss()).backward();
    optimizer.step(adamw.at("lr"));
  }
  Comparison comparison(kStepTolerance);
  const auto expected = golden.tensors("stepped");
  ASSERT_EQ(expected.size(), parameters.size());
  for (const auto& [name, parameter] : expected) {
    comparison.add(name, parameters.at(name), parameter);
  }
  comparison.report("parameters_after_the_steps");
}

// `renamed`: names of parameters in the file that the module calls otherwise.
void expect_agreement(const Golden& golden, torch::nn::Module& module, const Compute& compute,
                      const std::map<std::string, std::string>& renamed = {}) {
  module.eval();  // routing takes the top k
  module.to(testing::device());
  checkpoint::LoadRules rules;
  rules.prefix = "weights/";
  rules.renamed = renamed;
  checkpoint::load_state(module, golden.file, rules);
  auto inputs = golden.tensors("inputs");
  for (const auto& [name, gradient] : golden.tensors("input_gradients")) {
    inputs.at(name).requires_grad_();
  }
  const auto projections = golden.tensors("projections");
  const auto loss = [&] { return loss_of(compute, inputs, projections); };
  const auto parameters = parameters_of(module, renamed);
  compare_outputs(golden, compute, inputs);
  loss().backward();
  compare_gradients(golden, parameters, inputs);
  compare_steps(golden, module, parameters, loss);
}

void check_vae(const Golden& golden) {
  vae::VecsetVae vae(golden.config<vae::VaeConfig>());
  const uint64_t seed = golden.description.at("further").at("encode_seed");
  expect_agreement(golden, *vae, [&](const Tensors& inputs) {
    // Both sides draw the tokens' points from a generator of this seed.
    const auto posterior = vae->encode(inputs.at("surface_points"), inputs.at("surface_normals"),
                                       at::detail::createCPUGenerator(seed));
    const auto hidden = vae->decode(posterior.sample(inputs.at("noise")));
    return Tensors{{"mean", posterior.mean},
                   {"log_variance", posterior.log_variance},
                   {"hidden", hidden},
                   {"field", vae->query_field(hidden, inputs.at("query_points"))}};
  });
}

void check_dit(const Golden& golden) {
  const auto config = golden.config<dit::DitConfig>();
  const auto& further = golden.description.at("further");
  dit::MocaDit dit(config, further.at("latent_channels"),
                   dit::ConditionKinds{{"image", further.at("image_width")}});
  std::map<std::string, std::string> renamed;
  if (config.global_attention == dit::GlobalAttentionKind::kDense) {
    renamed["part_embedding.weight"] = "component_embedding.weight";  // PartCrafter's name
  }
  expect_agreement(
      golden, *dit,
      [&](const Tensors& inputs) {
        const dit::DitInput input = {inputs.at("noisy_latents"),
                                     inputs.at("noise_level"),
                                     inputs.at("component_ids"),
                                     inputs.at("component_mask"),
                                     {{.name = "image", .tokens = inputs.at("image_tokens")}}};
        return Tensors{{"velocity", dit(input)}};
      },
      renamed);
}

void check_image_encoder(const Golden& golden) {
  image_encoder::ImageEncoder encoder(golden.config<image_encoder::ImageEncoderConfig>());
  expect_agreement(golden, *encoder, [&](const Tensors& inputs) {
    return Tensors{{"image_tokens", encoder(inputs.at("images"))}};
  });
}

// The name of a model in the script, and how it is built here.
struct Model {
  const char* name;
  void (*check)(const Golden&);
};

class GoldenGradients : public ::testing::TestWithParam<Model> {};

TEST_P(GoldenGradients, AreThoseOfPlainPyTorch) {
  const testing::TemporaryFolder folder;
  std::string skipped;
  const auto golden = make_golden(folder, GetParam().name, skipped);
  if (!golden) {
    GTEST_SKIP() << skipped;
  }
  GetParam().check(*golden);
}

INSTANTIATE_TEST_SUITE_P(Of, GoldenGradients,
                         ::testing::Values(Model{"vae", check_vae}, Model{"dit_triposg", check_dit},
                                           Model{"dit_partcrafter", check_dit},
                                           Model{"dit_moca", check_dit},
                                           Model{"dit_moca_full", check_dit},
                                           Model{"dit_moca_value_softmax", check_dit},
                                           Model{"dit_moca_compressed_alone", check_dit},
                                           Model{"dinov2_rgb", check_image_encoder},
                                           Model{"dinov2_seven_channels", check_image_encoder}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace moca
