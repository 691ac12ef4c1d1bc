#include "moca/data/prepare.h"

#include <utility>

#include "component_sampling.h"
#include "moca/core/logging.h"
#include "moca/core/progress.h"
#include "moca/core/random.h"
#include "moca/data/prepared_dataset.h"
#include "source_asset.h"
#include "views.h"

namespace moca::data {

void prepare_dataset(const DataConfig& config, const std::string& made_by) {
  const auto source =  // before the folder: its mistakes leave nothing behind
      config.source == Source::kProcedural ? procedural_source(config) : mesh_folder_source(config);
  DatasetWriter writer(config.path, made_by);
  Progress progress("prepare " + config.path, source.count, "asset");
  int64_t num_components = 0;
  for (int64_t i = 0; i < source.count; ++i) {
    const auto asset = source.make(i);
    AssetRecord record;
    record.id = asset.id;
    record.split = asset.split;
    record.source = asset.source;
    record.sha256 = asset.sha256;
    record.views = cameras_of(config.views);
    for (const auto& component : asset.scene.components) {
      record.component_names.push_back(component.name);
    }
    num_components += record.num_components();
    writer.add(std::move(record),
               sample_asset(asset, config, stream_seed(config.seed, "asset", i)));
    progress.update(i + 1, std::to_string(num_components) + " components");
  }
  writer.finish();
  log::info("prepared " + std::to_string(source.count) + " assets with " +
            std::to_string(num_components) + " components in " + config.path);
}

}  // namespace moca::data
