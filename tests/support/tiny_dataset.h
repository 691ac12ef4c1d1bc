#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <memory>

#include "moca/config/schema.h"
#include "moca/data/data_config.h"
#include "moca/data/prepare.h"
#include "moca/data/prepared_dataset.h"
#include "tests/support/temporary_folder.h"

namespace moca::testing {

// Settings of a dataset of a few procedural assets that takes well under a second.
inline data::DataConfig tiny_data_config(const TemporaryFolder& folder) {
  data::DataConfig config;
  config.path = folder / "dataset";
  config::set(config, {"procedural.num_assets=3", "procedural.max_components=4"});
  config.num_held_out = 1;
  config.num_surface_points = 64;
  config.num_query_points = 64;
  config.views.image_size = 16;
  config.views.azimuths = {35, 90};
  config.views.elevations = {22, 10};
  config.views.field_of_view = 0;
  return config;
}

// Prepares what `config` describes and opens it.
inline std::shared_ptr<const data::PreparedDataset> prepared(const data::DataConfig& config) {
  data::prepare_dataset(config, "made by a test");
  return std::make_shared<const data::PreparedDataset>(config.path);
}

// A test suite that shares one tiny dataset, on one thread.
class WithTinyDataset : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::set_num_threads(1);
    folder_ = std::make_unique<TemporaryFolder>();
    dataset_ = prepared(tiny_data_config(*folder_));
  }
  static void TearDownTestSuite() {
    dataset_.reset();
    folder_.reset();
  }

  inline static std::unique_ptr<TemporaryFolder> folder_;
  inline static std::shared_ptr<const data::PreparedDataset> dataset_;
};

}  // namespace moca::testing
