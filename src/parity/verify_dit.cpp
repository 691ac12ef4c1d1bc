#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <regex>

#include "kinds.h"
#include "moca/core/error.h"
#include "moca/flow/euler_sampler.h"
#include "moca/generation/partcrafter_ids.h"
#include "moca/nn/embeddings.h"
#include "moca/pretrained/load_pretrained.h"

namespace moca::parity {
namespace {

dit::MocaDit make_dit(const Fixture& fixture, const nlohmann::json& model) {
  const auto description = pretrained::read_dit_config(fixture.description_file(), &model);
  dit::MocaDit dit(description.dit, description.latent_channels,
                   dit::ConditionKinds{{"image", description.image_width}});
  pretrained::load_dit_weights(dit, fixture.weights(), kNotWeights);
  dit->to(fixture.device());
  dit->eval();
  return dit;
}

// A timestep of [0, 1000] as a noise level that gives it again.
at::Tensor level_of(const at::Tensor& timestep) { return timestep.to(at::kDouble) / 1000.0; }

// Rows [n, ...] of all components, asset after asset, and how many each asset has.
struct Rows {
  std::vector<int64_t> counts;

  at::Tensor mask() const {  // [B, N]
    return at::arange(std::ranges::max(counts)).lt(at::tensor(counts).unsqueeze(1));
  }

  at::Tensor padded(const at::Tensor& rows) const {  // [n, ...] -> [B, N, ...]
    return at::pad_sequence(rows.split_with_sizes(counts), /*batch_first=*/true);
  }

  at::Tensor unpadded(const at::Tensor& padded) const {  // [B, N, ...] -> [n, ...]
    return padded.index({mask().to(padded.device())});
  }

  // The row all components of each asset share: [n, ...] -> [B, ...].
  at::Tensor shared(const at::Tensor& rows, const char* what) const {
    const auto first = padded(rows).select(1, 0).contiguous();
    const auto counts_there = at::tensor(counts).to(rows.device());
    if (!at::equal(first.repeat_interleave(counts_there, 0), rows)) {
      throw Error("the parts of an asset have different ", what, "; they share one in MoCA.");
    }
    return first;
  }
};

// Runs a batch, the inputs whose names begin with `prefix`, with one part id per row of [B, N].
// Gives the outputs by name: sample [n, L, C], latents - noise, and blockI_out [n, S, D].
std::map<std::string, at::Tensor> run(const Fixture& fixture, dit::MocaDit& dit,
                                      const std::string& prefix, const Rows& rows,
                                      const at::Tensor& part_ids) {
  dit::DitInput input;
  input.noisy_latents = rows.padded(fixture.input(prefix + "hidden_states"));
  input.noise_level = level_of(rows.shared(fixture.input(prefix + "timestep"), "timesteps"));
  input.conditions = {
      {.name = "image",
       .tokens = rows.shared(fixture.input(prefix + "encoder_hidden_states"), "image tokens")}};
  input.component_ids = part_ids.to(fixture.device());
  input.component_mask = rows.mask();
  std::vector<at::Tensor> blocks;
  // The reference predicts latents - noise.
  std::map<std::string, at::Tensor> outputs = {
      {"sample", -rows.unpadded(dit->forward(input, std::nullopt, &blocks))}};
  for (size_t i = 0; i < blocks.size(); ++i) {
    outputs["block" + std::to_string(i) + "_out"] = rows.unpadded(blocks[i]);
  }
  return outputs;
}

// Part ids that restart at 0 for every asset, as in PartCrafter's training.
std::map<std::string, at::Tensor> run_training(const Fixture& fixture, dit::MocaDit& dit,
                                               const std::vector<int64_t>& num_parts) {
  const Rows rows{num_parts};
  const auto ids = at::arange(std::ranges::max(num_parts)).expand_as(rows.mask());
  return run(fixture, dit, "", rows, ids);
}

// The batch of PartCrafter's pipeline: assets of equally many parts, ids counted over all of it.
std::map<std::string, at::Tensor> run_inference(const Fixture& fixture, dit::MocaDit& dit) {
  const int64_t num_rows = fixture.input("infer_timestep").size(0);
  const int64_t num_parts = fixture.at("infer_num_parts");
  const Rows rows{std::vector<int64_t>(num_rows / num_parts, num_parts)};
  return run(fixture, dit, "infer_", rows, at::arange(num_rows).view({-1, num_parts}));
}

}  // namespace

void verify_dit_triposg(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  auto dit = make_dit(fixture, fixture.at("model"));
  const auto timestep = fixture.input("timestep");
  const auto sinusoid = nn::embed_noise_level(level_of(timestep), dit->config().width);
  fixture.compare("time_sinusoid", sinusoid);
  fixture.compare(
      "temb", dit->named_children()["time_proj"]->as<nn::TimeProjectionImpl>()->forward(sinusoid));
  auto outputs = run_training(fixture, dit, std::vector<int64_t>(timestep.size(0), 1));
  fixture.compare("sample", outputs.extract("sample").mapped());
  for (const auto& [name, block] : outputs) {
    fixture.compare(name, block);
  }
}

void verify_dit_partcrafter(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  const auto counts = fixture.input("num_parts").cpu();
  const auto* first = counts.const_data_ptr<int64_t>();
  const std::vector<int64_t> num_parts(first, first + counts.numel());
  // Which batch, what of its outputs, and which option of the model is changed.
  const std::regex pattern("(train|infer)_(sample|block[0-9]+_out)(_(enable_\\w+)_(true|false))?");
  std::map<std::string, std::map<std::string, at::Tensor>> runs;  // by batch and change
  for (const auto& name : fixture.output_names()) {
    std::smatch match;
    if (!std::regex_match(name, match, pattern)) {
      continue;
    }
    auto& outputs = runs[match.str(1) + match.str(3)];
    if (outputs.empty()) {
      auto model = fixture.at("model");
      if (match[3].matched) {
        model[match.str(4)] = match[5] == "true";
      }
      auto dit = make_dit(fixture, model);
      outputs =
          match[1] == "train" ? run_training(fixture, dit, num_parts) : run_inference(fixture, dit);
    }
    if (const auto found = outputs.find(match.str(2)); found != outputs.end()) {
      fixture.compare(name, found->second);
    }
  }
}

void verify_partcrafter_sampler(Fixture& fixture) {
  auto dit = make_dit(fixture, fixture.at("model"));
  const int64_t num_parts = fixture.at("num_parts");
  flow::SamplerConfig sampler;
  sampler.num_steps = fixture.at("num_inference_steps");
  sampler.guidance_scale = fixture.at("guidance_scale");
  sampler.schedule =
      pretrained::read_scheduler_config(fixture.description_file(), &fixture.at("scheduler"));
  sampler.schedule.mu = fixture.description().value("mu", sampler.schedule.mu);
  const auto table = flow::sampling_table(sampler.num_steps, sampler.schedule);
  fixture.compare("sigmas", table.noise_levels);
  fixture.compare("timesteps", table.timesteps);
  const Rows rows{{num_parts}};
  const auto image_tokens = rows.shared(fixture.input("image_embeds"), "image tokens");
  const auto velocity = [&](const at::Tensor& latents, const at::Tensor& noise_level,
                            bool conditioned) {
    const auto ids = generation::partcrafter_ids(num_parts, conditioned, sampler.guidance_scale);
    std::vector<dit::Condition> conditions;
    if (conditioned) {
      conditions = {{.name = "image", .tokens = image_tokens}};
    }
    return dit->forward({latents, noise_level, ids.unsqueeze(0).to(latents.device()),
                         rows.mask().to(latents.device()), conditions});
  };
  const auto observe = [&](const flow::SamplerStep& step) {
    fixture.compare("pred_" + std::to_string(step.index), -step.velocity[0]);
    fixture.compare("latents_" + std::to_string(step.index), step.latents[0]);
  };
  flow::sample(velocity, fixture.input("latents").unsqueeze(0), sampler, observe);
}

}  // namespace moca::parity
