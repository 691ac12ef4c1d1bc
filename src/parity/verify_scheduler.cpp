#include <ATen/ATen.h>

#include "kinds.h"
#include "moca/flow/noise_density.h"
#include "moca/flow/rectified_flow.h"
#include "moca/pretrained/hugging_face_config.h"

namespace moca::parity {
namespace {

flow::ScheduleConfig schedule_of(const Fixture& fixture, const nlohmann::json& description) {
  auto config =
      pretrained::read_scheduler_config(fixture.description_file(), &description.at("init"));
  config.mu = description.value("mu", 0.0);
  return config;
}

void compare_schedule(Fixture& fixture, const nlohmann::json& description, size_t index) {
  const auto config = schedule_of(fixture, description);
  const auto prefix = std::to_string(index) + "/";
  const int64_t num_steps = description.at("steps");
  const auto training = flow::training_table(config);
  fixture.compare(prefix + "train_timesteps", training.timesteps);
  fixture.compare(prefix + "train_sigmas", training.noise_levels);
  const auto sampling = flow::sampling_table(num_steps, config);
  fixture.compare(prefix + "timesteps", sampling.timesteps);
  fixture.compare(prefix + "sigmas", sampling.noise_levels);
  const auto outputs = fixture.input("model_output_" + std::to_string(index));
  const auto levels = sampling.noise_levels.to(at::kDouble);
  auto latents = fixture.input("sample");
  for (int64_t i = 0; i < num_steps; ++i) {
    // The reference's models give latents - noise.
    latents = flow::euler_step(latents, -outputs[i], levels[i].item<double>(),
                               levels[i + 1].item<double>());
    fixture.compare(prefix + "prev_sample_" + std::to_string(i), latents);
  }
  const auto clean = fixture.input("clean");
  fixture.compare(prefix + "scale_noise",
                  flow::scale_noise(clean, fixture.input("noise"),
                                    sampling.timesteps.narrow(0, 0, clean.size(0)), config));
}

// Training's draws and targets go through the first schedule's table.
void compare_training(Fixture& fixture, const flow::ScheduleConfig& config) {
  const auto draws = flow::logit_normal_density(fixture.input("density_normal"),
                                                fixture.at("logit_mean"), fixture.at("logit_std"));
  fixture.compare("density/logit_normal_u", draws);
  fixture.compare("density/mode_u",
                  flow::mode_density(fixture.input("density_uniform"), fixture.at("mode_scale")));
  const auto index = flow::training_index(draws, config);
  fixture.compare("train_indices", index);
  const auto table = flow::training_table(config);
  const auto levels = table.noise_levels.index_select(0, index);
  fixture.compare("train_sigma", levels);
  fixture.compare("train_t", table.timesteps.index_select(0, index));
  const auto clean = fixture.input("clean");
  const auto noise = fixture.input("noise");
  fixture.compare("train_noisy", flow::mix(clean, noise, levels.narrow(0, 0, clean.size(0))));
  fixture.compare("train_target_v", noise - clean);
  fixture.compare("train_target_neg_v", clean - noise);
}

}  // namespace

void verify_scheduler(Fixture& fixture) {
  fixture.compute_on(c10::kCPU);  // schedules are tables on the CPU
  const auto& schedules = fixture.at("schedules");
  for (size_t i = 0; i < schedules.size(); ++i) {
    compare_schedule(fixture, schedules[i], i);
  }
  compare_training(fixture, schedule_of(fixture, schedules.at(0)));
  using flow::LossWeighting;
  const auto levels = fixture.input("loss_sigmas");
  fixture.compare("loss_weight/none", flow::loss_weight(levels, LossWeighting::kNone));
  fixture.compare("loss_weight/logit_normal", flow::loss_weight(levels, LossWeighting::kNone));
  fixture.compare("loss_weight/sigma_sqrt", flow::loss_weight(levels, LossWeighting::kSigmaSqrt));
  fixture.compare("loss_weight/cosmap", flow::loss_weight(levels, LossWeighting::kCosmap));
}

}  // namespace moca::parity
