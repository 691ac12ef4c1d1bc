#include <ATen/ATen.h>
#include <torch/types.h>

#include <map>
#include <numeric>
#include <regex>
#include <utility>

#include "kinds.h"
#include "moca/core/error.h"
#include "moca/dit/moca_dit.h"
#include "moca/flow/euler_sampler.h"
#include "moca/generation/partcrafter_ids.h"
#include "moca/nn/embeddings.h"
#include "moca/pretrained/hugging_face_config.h"
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

  int64_t max_count() const { return *std::max_element(counts.begin(), counts.end()); }

  at::Tensor mask() const {  // [B, N]
    auto mask = at::zeros({static_cast<int64_t>(counts.size()), max_count()}, at::kBool);
    for (size_t b = 0; b < counts.size(); ++b) {
      mask[static_cast<int64_t>(b)].narrow(0, 0, counts[b]).fill_(true);
    }
    return mask;
  }

  at::Tensor present(c10::Device device) const {  // [n] rows of [B * N]
    return mask().flatten().nonzero().squeeze(1).to(device);
  }

  at::Tensor padded(const at::Tensor& rows) const {  // [n, ...] -> [B, N, ...]
    auto sizes = rows.sizes().vec();
    sizes[0] = static_cast<int64_t>(counts.size()) * max_count();
    return at::zeros(sizes, rows.options())
        .index_copy(0, present(rows.device()), rows)
        .unflatten(0, {static_cast<int64_t>(counts.size()), max_count()});
  }

  at::Tensor unpadded(const at::Tensor& padded) const {  // [B, N, ...] -> [n, ...]
    return padded.flatten(0, 1).index_select(0, present(padded.device()));
  }

  // The row all components of each asset share: [n, ...] -> [B, ...].
  at::Tensor shared(const at::Tensor& rows, const char* what) const {
    std::vector<at::Tensor> first;
    int64_t row = 0;
    for (const int64_t count : counts) {
      const auto of_asset = rows.narrow(0, row, count);
      if (!at::equal(of_asset, of_asset.narrow(0, 0, 1).expand_as(of_asset))) {
        throw Error(std::string("the parts of an asset have different ") + what +
                    "; they share one in MoCA.");
      }
      first.push_back(of_asset[0]);
      row += count;
    }
    return at::stack(first);
  }
};

struct DitOutput {
  at::Tensor sample;                      // [n, L, C], latents - noise
  std::vector<at::Tensor> block_outputs;  // [n, S, D]
};

struct DitCall {
  Rows rows;
  at::Tensor hidden_states;  // [n, L, C]
  at::Tensor timestep;       // [n]
  at::Tensor image_tokens;   // [n, T, D_image]
  at::Tensor part_ids;       // [B, N]
};

DitOutput run(dit::MocaDit& dit, const DitCall& call) {
  dit::DitInput input;
  input.noisy_latents = call.rows.padded(call.hidden_states);
  input.noise_level = level_of(call.rows.shared(call.timestep, "timesteps"));
  input.conditions = {
      {.name = "image", .tokens = call.rows.shared(call.image_tokens, "image tokens")}};
  const auto device = call.hidden_states.device();
  input.component_ids = call.part_ids.to(device);
  input.component_mask = call.rows.mask().to(device);
  DitOutput output;
  // The reference predicts latents - noise.
  output.sample = -call.rows.unpadded(dit->forward(input, std::nullopt, &output.block_outputs));
  for (auto& tokens : output.block_outputs) {
    tokens = call.rows.unpadded(tokens);
  }
  return output;
}

// Part ids that restart at 0 for every asset, as in PartCrafter's training.
at::Tensor restarting_ids(const Rows& rows) {
  return at::arange(rows.max_count(), at::kLong)
      .expand({static_cast<int64_t>(rows.counts.size()), rows.max_count()});
}

DitCall training_call(const Fixture& fixture) {
  DitCall call;
  const auto counts = fixture.input("num_parts").cpu();
  call.rows.counts.assign(counts.const_data_ptr<int64_t>(),
                          counts.const_data_ptr<int64_t>() + counts.numel());
  call.hidden_states = fixture.input("hidden_states");
  call.timestep = fixture.input("timestep");
  call.image_tokens = fixture.input("encoder_hidden_states");
  call.part_ids = restarting_ids(call.rows);
  return call;
}

// The batch of PartCrafter's pipeline: assets of equally many parts, ids counted over all of it.
DitCall inference_call(const Fixture& fixture) {
  DitCall call;
  call.hidden_states = fixture.input("infer_hidden_states");
  call.timestep = fixture.input("infer_timestep");
  call.image_tokens = fixture.input("infer_encoder_hidden_states");
  const int64_t num_parts = fixture.at("infer_num_parts");
  const int64_t num_assets = call.hidden_states.size(0) / num_parts;
  call.rows.counts.assign(num_assets, num_parts);
  call.part_ids = at::arange(num_assets * num_parts, at::kLong).view({num_assets, num_parts});
  return call;
}

// An output's name: which batch, with which option changed, and what of it.
struct OutputName {
  std::string batch;   // train or infer
  std::string option;  // enable_local_cross_attn, ... or empty
  bool value = false;  // of the option
  std::string part;    // sample or blockI_out
};

std::vector<std::pair<std::string, OutputName>> parsed_names(const Fixture& fixture) {
  const std::regex pattern(
      "(train|infer)_(sample|block[0-9]+_out)(?:_(enable_\\w+)_(true|false))?");
  std::vector<std::pair<std::string, OutputName>> names;
  for (const auto& name : fixture.output_names()) {
    std::smatch match;
    if (std::regex_match(name, match, pattern)) {
      names.push_back({name, {match[1], match[3], match[4] == "true", match[2]}});
    }
  }
  return names;
}

at::Tensor part_of(const DitOutput& output, const std::string& part) {
  if (part == "sample") {
    return output.sample;
  }
  const auto block = static_cast<size_t>(std::stoul(part.substr(5)));  // after "block"
  if (block >= output.block_outputs.size()) {
    throw Error("the output " + part + " is of a block that the model does not have.");
  }
  return output.block_outputs[block];
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
  DitCall call;
  call.hidden_states = fixture.input("hidden_states");
  call.timestep = timestep;
  call.image_tokens = fixture.input("encoder_hidden_states");
  call.rows.counts.assign(timestep.size(0), 1);
  call.part_ids = restarting_ids(call.rows);
  const auto output = run(dit, call);
  fixture.compare("sample", output.sample);
  for (size_t i = 0; i < output.block_outputs.size(); ++i) {
    fixture.compare("block" + std::to_string(i) + "_out", output.block_outputs[i]);
  }
}

void verify_dit_partcrafter(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, DitOutput> runs;
  for (const auto& [name, parsed] : parsed_names(fixture)) {
    const auto key = parsed.batch + parsed.option + (parsed.value ? "1" : "0");
    if (runs.count(key) == 0) {
      auto model = fixture.at("model");
      if (!parsed.option.empty()) {
        model[parsed.option] = parsed.value;
      }
      auto dit = make_dit(fixture, model);
      runs[key] =
          run(dit, parsed.batch == "train" ? training_call(fixture) : inference_call(fixture));
    }
    fixture.compare(name, part_of(runs[key], parsed.part));
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
  if (fixture.description().contains("mu")) {
    sampler.schedule.mu = fixture.at("mu");
  }
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
