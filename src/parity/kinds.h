#pragma once

#include "fixture.h"

// One function per kind of fixture: runs the inputs and compares the outputs.
namespace moca::parity {

void verify_vae_encoder(Fixture& fixture);
void verify_vae_decoder(Fixture& fixture);
void verify_vae_full(Fixture& fixture);
void verify_dit_triposg(Fixture& fixture);
void verify_dit_partcrafter(Fixture& fixture);
void verify_partcrafter_sampler(Fixture& fixture);
void verify_dinov2(Fixture& fixture);
void verify_dino_preprocess(Fixture& fixture);
void verify_prepare_rgba(Fixture& fixture);
void verify_scheduler(Fixture& fixture);
void verify_fps(Fixture& fixture);
void verify_ops(Fixture& fixture);
void verify_extraction(Fixture& fixture);

}  // namespace moca::parity
