#include "moca/dit/flop_count.h"

#include <algorithm>

#include "moca/nn/flops.h"

namespace moca::dit {
namespace {

using nn::attention_flops;
using nn::linear_flops;

// The work on one asset, part by part.
class AssetFlops {
 public:
  AssetFlops(const DitConfig& config, const DitSizes& sizes, int64_t num_components)
      : config_(config),
        sizes_(sizes),
        N_(static_cast<double>(num_components)),
        D_(static_cast<double>(config.width)),
        M_(static_cast<double>(config.num_compressed_tokens)),
        L_(static_cast<double>(sizes.num_tokens)),
        moc_(config.global_attention == GlobalAttentionKind::kMoc) {}

  double total() const {
    double flops = time_token() + N_ * ends() + (moc_ ? packing() : 0.0);
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      flops += block(i);
    }
    return flops;
  }

 private:
  double updated() const { return L_ + 1; }  // the time token and the vecset's
  double added() const { return moc_ ? M_ + 1 : 0.0; }
  double all() const { return updated() + added(); }

  double time_token() const { return linear_flops(1, D_, 4 * D_) + linear_flops(1, 4 * D_, D_); }
  double ends() const {  // proj_in and proj_out
    return 2 * linear_flops(L_, static_cast<double>(sizes_.latent_channels), D_);
  }
  double packing() const {
    return N_ * (linear_flops(L_, D_, 2 * D_) + attention_flops(M_ + 1, L_, D_) +
                 linear_flops(M_ + 1, D_, D_));
  }

  double block(int64_t index) const {
    const bool global = config_.is_global(index);
    const bool keys_only = config_.compressed_tokens == CompressedTokens::kKeysOnly;
    const double rows = global && moc_ && keys_only ? updated() : all();
    const bool sees_picture =
        global ? config_.global_image_attention : config_.local_image_attention;
    double flops = N_ * nn::feed_forward_flops(rows, D_) + N_ * linear_flops(rows, D_, D_);
    flops += sees_picture ? image_attention(rows) : 0.0;
    if (index > config_.num_layers / 2) {
      flops += N_ * linear_flops(all(), 2 * D_, D_);  // skip
    }
    if (!global) {
      return flops + local_attention(all());
    }
    if (!moc_) {
      return flops + linear_flops(N_ * all(), D_, 3 * D_) +
             attention_flops(N_ * all(), N_ * all(), D_);
    }
    return flops + moc_attention() + (keys_only ? 0.0 : local_attention(all()) + extra_output());
  }

  // `full` compressed tokens pass the local attention's own output layer.
  double extra_output() const { return N_ * linear_flops(all() - added(), D_, D_); }

  // Without the output layer. Tokens see themselves and those before them in the order vecset,
  // compressed, anchor.
  double local_attention(double rows) const {
    double flops = linear_flops(rows, D_, 3 * D_) + attention_flops(updated(), updated(), D_);
    if (moc_) {
      flops += attention_flops(M_, updated() + M_, D_) + attention_flops(1, rows, D_);
    }
    return N_ * flops;
  }

  // Eq. 4 to 8 without the output layer.
  double moc_attention() const {
    const double selected = std::min(static_cast<double>(config_.router.num_selected), N_ - 1);
    const bool compresses = config_.attend_compressed && selected < N_ - 1;
    const double routed =
        config_.router.per_head ? D_ : D_ / static_cast<double>(config_.num_heads);
    const double keys = (1 + selected) * updated() + (compresses ? (N_ - 1 - selected) * M_ : 0.0);
    return linear_flops(N_ * updated(), D_, 3 * D_) +
           (compresses ? linear_flops(N_ * M_, D_, 2 * D_) : 0.0) +
           attention_flops(N_ * updated(), keys, D_) + linear_flops(N_, D_, 2 * routed) +
           0.5 * attention_flops(N_, N_, routed);  // scores of the anchors
  }

  // Keys and values of the picture once per asset or component.
  double image_attention(double rows) const {
    const auto T = static_cast<double>(sizes_.num_image_tokens);
    const double pictures = sizes_.image_of_component ? N_ : 1.0;
    return pictures * linear_flops(T, static_cast<double>(sizes_.image_width), 2 * D_) +
           N_ * (linear_flops(rows, D_, D_) + attention_flops(rows, T, D_) +
                 linear_flops(rows, D_, D_));
  }

  const DitConfig& config_;
  const DitSizes& sizes_;
  double N_, D_, M_, L_;
  bool moc_;
};

}  // namespace

double forward_flops(const DitConfig& config, const DitSizes& sizes,
                     const std::vector<int64_t>& components_of_assets) {
  const bool moc = config.global_attention == GlobalAttentionKind::kMoc;
  const auto D = static_cast<double>(config.width);
  // Packing's queries are the same for all.
  double flops =
      moc ? linear_flops(static_cast<double>(config.num_compressed_tokens) + 1, D, D) : 0.0;
  for (const int64_t num_components : components_of_assets) {
    flops += AssetFlops(config, sizes, num_components).total();
  }
  return flops;
}

}  // namespace moca::dit
