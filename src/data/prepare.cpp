#include "moca/data/prepare.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "component_sampling.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/mapped.h"
#include "moca/core/progress.h"
#include "moca/data/asset_source.h"
#include "moca/data/prepared_dataset.h"
#include "views.h"

namespace moca::data {

namespace {

struct PreparedAsset {
  AssetRecord record;
  AssetTensors tensors;
};

PreparedAsset prepare_asset(const AssetSource& source, const DataConfig& config, int64_t index) {
  const auto asset = load_asset(source, index, config);
  const auto& entry = source.entries[index];
  const auto names = mapped(asset.scene.components, &mesh::Component::name);
  return {{entry.id, entry.split, names, /*shard=*/"", entry.source, asset.sha256, stream_of(entry),
           cameras_of(config.views, asset.scene)},
          sample_asset(entry, asset, config)};
}

// One asset that cannot be used must not cost the others. None: it was left out, with a word.
std::optional<PreparedAsset> try_to_prepare_next(const AssetSource& source,
                                                 const DataConfig& config, DatasetWriter& writer) {
  try {
    return prepare_asset(source, config, writer.next());
  } catch (const Error& mistake) {
    writer.leave_out(mistake.what());
    if (writer.num_left_out() == source.count()) {
      throw;  // nothing is left: the last mistake stands for all
    }
    log::warn(std::string("an asset is left out. ") + mistake.what());
    return std::nullopt;
  }
}

void prepare_all(const AssetSource& source, const DataConfig& config, DatasetWriter& writer) {
  Progress progress("prepare " + config.path, source.count(), "asset", writer.next());
  int64_t num_restored = 0;  // from a preparation that was killed
  while (writer.next() < source.count()) {
    stop_if_interrupted();
    if (writer.restore_next()) {
      ++num_restored;
    } else if (auto asset = try_to_prepare_next(source, config, writer)) {
      writer.add(std::move(asset->record), asset->tensors);
    }
    progress.update(writer.next(), std::to_string(writer.num_components()) + " components");
  }
  if (num_restored > 0) {
    log::info(std::to_string(num_restored) +
              " assets were done already by a preparation that was killed");
  }
}

// Of a preparation that something ended.
void keep_what_is_done(const DataConfig& config, DatasetWriter& writer) {
  if (writer.next() == writer.num_left_out()) {
    return;
  }
  try {
    writer.save();
    log::info(std::to_string(writer.next()) + " assets are done and kept in " + config.path +
              ": the same command goes on from there");
  } catch (const Error& failure) {  // such as a full disk, which ended the work already
    log::warn(failure.what());
  }
}

// Of a folder for another source than the chosen one: `data.source` was most likely forgotten.
void warn_of_unread(DataConfig config) {
  for (const auto& setting : config::bind(config).settings) {
    const auto owner = config.source.unchosen_owner(setting.path);
    const auto* place = std::get_if<std::string*>(&setting.variable);
    if (!owner.empty() && setting.texts.is_place && place != nullptr && !(*place)->empty()) {
      log::warn("data." + setting.path + " (" + **place + ") is not read: data.source is " +
                config.source.name + ". For its " + owner + " set data.source=" + owner + ".");
    }
  }
}

void require_images_folder(const ViewConfig& views) {
  std::error_code ignored;
  if (!views.images.empty() && !std::filesystem::is_directory(views.images, ignored)) {
    throw Error("data.views.images: no folder at ", views.images,
                ". It holds one folder of images for each asset, ASSET/00.png.");
  }
}

}  // namespace

void prepare_dataset(const DataConfig& config, const std::string& made_by) {
  // Before the folder is made: these mistakes leave nothing behind.
  require_images_folder(config.views);
  const auto source = open_source(config);
  warn_of_unread(config);
  DatasetWriter writer(config.path, {made_by, source.count(), source.sum});
  if (writer.next() > 0) {
    log::info("goes on with " + config.path + ", of which " + std::to_string(writer.next()) +
              " of " + std::to_string(source.count()) + " assets are done");
  }
  try {
    prepare_all(source, config, writer);
  } catch (...) {
    keep_what_is_done(config, writer);
    throw;
  }
  writer.save();
  const int64_t left_out = writer.num_left_out();
  const auto gaps = concatenated("; left out ", left_out, ", each with its reason in index.json");
  log::info(concatenated("prepared ", source.count() - left_out, " assets with ",
                         writer.num_components(), " components in ", config.path,
                         left_out == 0 ? "" : gaps));
}

}  // namespace moca::data
