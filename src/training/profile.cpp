#include "profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/version.h>

#include <set>
#include <utility>

#include "moca/core/logging.h"

namespace moca::training {
namespace {

namespace kineto = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;

const std::set<ActivityType> kActivities = {ActivityType::CPU, ActivityType::CUDA};

torch::profiler::impl::ProfilerConfig options() {
  return torch::profiler::impl::ProfilerConfig(torch::profiler::impl::ProfilerState::KINETO,
                                               /*report_input_shapes=*/true);
}

}  // namespace

Profile::Profile(int64_t num_steps, std::filesystem::path file)
    : num_steps_(num_steps), file_(std::move(file)) {}

Profile::~Profile() {
  if (recording_) {
    kineto::disableProfiler();  // the run ended in between
  }
}

void Profile::step_begins() {
  if (num_steps_ > 0 && seen_ == kProfileWarmup) {
    kineto::prepareProfiler(options(), kActivities);
    kineto::enableProfiler(options(), kActivities, {at::RecordScope::FUNCTION});
    recording_ = true;
  }
  if (recording_ && seen_ == kProfileWarmup + num_steps_) {
    recording_ = false;
    kineto::disableProfiler()->save(file_.string());
    log::info("trace of " + std::to_string(num_steps_) + " steps: " + file_.string());
  }
  ++seen_;
}

}  // namespace moca::training
