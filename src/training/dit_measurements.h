#pragma once

#include <string>
#include <vector>

#include "moca/dit/moca_dit.h"
#include "moca/flow/rectified_flow.h"
#include "moca/training/measurements.h"

namespace moca::training {

// What the MoCA stage measures on its way.
std::vector<std::string> dit_measurement_names();

// The loss of every asset, under its range of noise levels. velocity: [B, N, L, C], the model's;
// component_mask: [B, N], on the host.
void measure_losses(Measurements& measurements, const flow::NoisySample& noisy,
                    const at::Tensor& velocity, const at::Tensor& component_mask);

// What the routers of the last micro-batch did.
void measure_routers(Measurements& measurements, const dit::MocaDit& dit);

}  // namespace moca::training
