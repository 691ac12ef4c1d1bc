// Steps in which something of one asset is not finite: of one rank, and of two.
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>

#include "moca/training/trainer.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/ranks.h"
#include "tests/training/tiny_stages.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using training::MicroBatch;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kSteps = 8, kMicroBatches = 2;

// What has which value while the loss of an asset is computed.
struct Fault {
  std::string what;
  std::string parameter;  // none: the asset's points
  double value;
};

// An image's pixels are bytes: what is not finite in it begins where its patches are embedded.
const Fault kFaults[] = {
    {"PointNan", "", kNan},
    {"PointInfinity", "", kInfinity},
    {"ImageNan", "image_encoder.embeddings.patch_embeddings.projection.bias", kNan},
    {"ImageInfinity", "image_encoder.embeddings.patch_embeddings.projection.bias", kInfinity},
    {"WeightNan", "dit.blocks.1.attn1.to_q.weight", kNan},
    {"WeightInfinity", "dit.blocks.1.attn1.to_q.weight", kInfinity},
    {"ActivationOverflow", "dit.blocks.0.norm1.weight", 3e38}};

// A stage with a fault in the micro-batches that show an asset.
class FaultyStage : public training::Stage {
 public:
  FaultyStage(std::unique_ptr<training::Stage> stage, std::string id, Fault fault)
      : stage_(std::move(stage)), id_(std::move(id)), fault_(std::move(fault)) {}

  torch::nn::Module& model() override { return stage_->model(); }
  training::Batches& batches() override { return stage_->batches(); }
  training::NamedValues take_measurements(distributed::ProcessGroup& group) override {
    return stage_->take_measurements(group);
  }

  at::Tensor loss(MicroBatch batch) override {
    if (fault_.parameter.empty() || !shows_the_asset(batch)) {
      return stage_->loss(batch);
    }
    // Autograd does not see the change.
    auto parameter = model().named_parameters()[fault_.parameter].variable_data();
    const auto before = parameter.clone();
    parameter.fill_(fault_.value);
    auto loss = stage_->loss(batch);
    parameter.copy_(before);
    return loss;
  }

  bool shows_the_asset(MicroBatch batch) {
    return batches().asset_names(batch).find(id_) != std::string::npos;
  }

 private:
  std::unique_ptr<training::Stage> stage_;
  std::string id_;
  Fault fault_;
};

using Case = std::tuple<dit::GlobalAttentionKind, Fault>;

std::string name_of(const Case& parameters) {
  const bool moc = std::get<0>(parameters) == dit::GlobalAttentionKind::kMoc;
  return (moc ? "Moc" : "Dense") + std::get<1>(parameters).what;
}
void PrintTo(const Case& parameters, std::ostream* stream) { *stream << name_of(parameters); }

// This process is the only one, or a rank of those that `OfTwoRanks` starts.
class NotFinite : public training::TinyStages, public ::testing::WithParamInterface<Case> {
 protected:
  static void SetUpTestSuite() {
    TinyStages::SetUpTestSuite();
    const auto launch = distributed::read_launch();
    device_ = ops::select_device(testing::device().is_cpu() ? "cpu" : "cuda",
                                 {launch.local_rank, launch.local_world_size})
                  .device;
    group_ = std::make_unique<distributed::ProcessGroup>(launch, device_, std::chrono::seconds(60));
    int64_t most = 0;
    for (const int64_t asset : dataset_->indices_of("train")) {
      const auto& record = dataset_->records()[asset];
      if (record.num_components() > most) {
        most = record.num_components();
        id_ = record.id;
      }
    }
    ASSERT_GT(most, 2) << "nobody is left to the rest";
  }
  static void TearDownTestSuite() {
    group_.reset();
    TinyStages::TearDownTestSuite();
  }

  static training::TrainingConfig training_config() {
    training::TrainingConfig config;
    config.max_steps = kSteps;
    config.micro_batches = kMicroBatches;
    config.batch_size = 1;
    config.precision = training::Precision::kFp32;
    config.log_every = 1;
    config.num_threads = 1;
    return config;
  }

  FaultyStage stage() const {
    const auto& [kind, fault] = GetParam();
    auto setup = dit_setup();
    auto config = testing::tiny_dit_config();
    config.global_attention = kind;
    torch::manual_seed(2);
    setup.denoiser = generation::ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
    setup.denoiser->to(device_);
    setup.vae->to(device_);
    setup.config.condition_dropout = 0;
    setup.batches.rule = {.num_micro_batches = kMicroBatches, .batch_size = 1};
    setup.batches.share = training::share_of(group_->rank(), group_->size(), training_config());
    if (fault.parameter.empty()) {
      fs::copy(*folder_ / "dataset", run_ / "dataset", fs::copy_options::recursive);
      spoil_points(run_ / "dataset", id_, fault.value);
      setup.dataset = std::make_shared<const data::PreparedDataset>(run_ / "dataset");
    }
    return {training::dit_stage(setup), id_, fault};
  }

  training::StopReason train(FaultyStage& stage) const {
    return training::Trainer(stage, training_config(), {*group_, device_, run_ / ""}).train();
  }

  inline static c10::Device device_ = c10::kCPU;
  inline static std::unique_ptr<distributed::ProcessGroup> group_;
  inline static std::string id_;
  testing::TemporaryFolder run_;
};

TEST_P(NotFinite, CostsTheStepsOfItsAssetOnEveryRankAndNamesIt) {
  auto faulty = stage();
  ::testing::internal::CaptureStderr();
  const auto reason = train(faulty);
  const auto said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(reason, training::StopReason::kFinished);
  int64_t skipped = 0;
  for (int64_t step = 0; step < kSteps; ++step) {
    bool shown = false, shown_here = false;
    for (int64_t index = 0; index < kMicroBatches; ++index) {
      const bool shows = faulty.shows_the_asset({step, index});
      shown = shown || shows;
      shown_here = shown_here || (shows && index % group_->size() == group_->rank());
    }
    const auto begin = said.find("step " + std::to_string(step) + " skipped: loss ");
    EXPECT_EQ(begin != said.npos, shown) << "step " << step << " of those that say:\n" << said;
    if (shown_here && begin != said.npos) {
      EXPECT_THAT(said.substr(begin, said.find('\n', begin) - begin), HasSubstr(id_));
    }
    skipped += shown ? 1 : 0;
  }
  EXPECT_GT(skipped, 0);
  EXPECT_LT(skipped, kSteps);
}

INSTANTIATE_TEST_SUITE_P(Faults, NotFinite,
                         ::testing::Combine(::testing::Values(dit::GlobalAttentionKind::kMoc,
                                                              dit::GlobalAttentionKind::kDense),
                                            ::testing::ValuesIn(kFaults)),
                         [](const auto& info) { return name_of(info.param); });

// The tests above once more by two processes of this program: one that has used a GPU cannot be
// divided in two.
TEST(NotFiniteOfTwoRanks, IsSkippedByBoth) {
  if (!testing::device().is_cpu() && c10::impl::VirtualGuardImpl(c10::kCUDA).deviceCount() < 2) {
    GTEST_SKIP() << "two ranks need two GPUs";
  }
  const int port = testing::free_port();
  const auto program = fs::read_symlink("/proc/self/exe").string();
  const auto results = testing::run_processes(
      {testing::launch_of(0, 2, port), testing::launch_of(1, 2, port)},
      [&](const distributed::Launch& launch) {
        const auto rank = std::to_string(launch.rank);
        const auto variables =
            "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX WORLD_SIZE=2 RANK=" + rank +
            " MASTER_ADDR=127.0.0.1 OMP_NUM_THREADS=1 MASTER_PORT=" + std::to_string(port);
        return std::to_string(std::system(
            (variables + " " + program + " --gtest_filter='*/NotFinite.*' --gtest_brief=1 1>&2")
                .c_str()));
      });
  for (const auto& result : results) {
    EXPECT_EQ(result.text, "0") << result.said;
    EXPECT_THAT(result.said, HasSubstr("[  PASSED  ] 14 tests"));
  }
}

}  // namespace
}  // namespace moca::experiment
