#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/file_io.h"
#include "moca/experiment/run_config.h"
#include "moca/experiment/train_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_device.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::experiment {

// A dataset and runs of both stages that take a fraction of a second, in a folder of their own.
class TinyRuns {
 public:
  TinyRuns() {
    at::set_num_threads(1);
    data::prepare_dataset(data_config(), "made by a test");
  }

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  RunConfig vae_config(const std::string& name = "vae") const {
    RunConfig config;
    config.stage = Stage::kVae;
    config.name = name;
    config.runs_folder = folder_ / "runs";
    config.device = testing::device().str();
    config.data = data_config();
    config.vae = testing::tiny_vae_config();
    config.vae_training.num_query_points = 16;
    config.image_encoder = testing::tiny_image_encoder_config();
    config.dit = testing::tiny_dit_config();
    config.training.max_steps = 4;
    config.training.batch_size = 4;
    config.training.precision = training::Precision::kFp32;
    config.training.checkpoint_every = 2;
    config.training.log_every = 1;
    config.training.num_threads = 1;
    config.training.ema_decay = 0.9;
    config.training.optimizer.warmup_steps = 1;
    config.training.optimizer.learning_rate = 1e-2;
    config.sampler.num_steps = 2;
    config.decoder.resolution = 17;
    config.decoder.coarse_resolution = 9;
    config.evaluation.batch_size = 3;
    config.evaluation.metrics.num_points = 200;
    config.evaluation.metrics.iou_resolution = 8;
    return config;
  }

  // On the VAE of the run `vae`.
  RunConfig dit_config(const std::string& name = "dit") const {
    auto config = vae_config(name);
    config.stage = Stage::kDit;
    config.vae_run = folder_ / "runs/vae";
    config.dit_training.num_cached_encodings = 1;
    config.training.batch_size = 2;
    return config;
  }

 private:
  data::DataConfig data_config() const {
    auto config = testing::tiny_data_config(folder_);
    // As many as the tiny codebook has ids.
    config::set(config, {"procedural.max_components=3", "max_components=8"});
    return config;
  }

  testing::TemporaryFolder folder_;
};

// The points of the first component of an asset are `value`, in the files of a dataset.
inline void spoil_points(const std::filesystem::path& dataset, const std::string& id,
                         double value) {
  const auto file = dataset / "shard_00000.safetensors";
  checkpoint::NamedTensors tensors;
  {
    const checkpoint::SafetensorsFile shard(file);
    for (const auto& [name, entry] : shard.entries()) {
      tensors.emplace_back(name, shard.read(name));
      if (name == id + "/surface_points") {
        tensors.back().second[0] = value;
      }
    }
  }
  checkpoint::write_safetensors(file, tensors);
  auto json = nlohmann::ordered_json::parse(read_file(dataset / "index.json"));
  json["shards"].clear();  // whose sums would tell
  write_file(dataset / "index.json", json.dump());
}

// Both runs trained, made once for all tests of an executable that look at them.
class TrainedRuns : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    runs_ = new TinyRuns();
    train_run(runs_->vae_config());
    train_run(runs_->dit_config());
  }
  static void TearDownTestSuite() {
    delete runs_;
    runs_ = nullptr;
  }
  void TearDown() override { std::filesystem::remove_all(*runs_ / "evaluation"); }

  static inline TinyRuns* runs_ = nullptr;
};

}  // namespace moca::experiment
