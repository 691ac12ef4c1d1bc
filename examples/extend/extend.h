#pragma once

// Each in its own file, which is all that a data source, a metric, an adapter, a condition or an
// optimiser needs.
void register_stairs();
void register_volume();
void register_mixture();
void register_sizes();
void register_momentum();
