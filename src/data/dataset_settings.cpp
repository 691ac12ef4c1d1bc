#include "moca/data/dataset_settings.h"

#include "dataset_index.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"

namespace moca::data {

DatasetSettings read_dataset_settings(const std::filesystem::path& folder) {
  const auto file = folder / "index.json";
  const auto index = read_index(file);
  DatasetSettings settings;
  settings.image_size = index.image_size;
  for (const auto& record : index.records) {
    if (record.num_components() > settings.most_components) {
      settings.most_components = record.num_components();
      settings.largest_asset = record.id;
    }
  }
  try {
    settings.made_by = config::parse<DataConfig>(index.made_by, file.string() + ": made_by");
  } catch (const Error& mistake) {
    log::warn(std::string(mistake.what()) +
              " The dataset's settings are not compared with the config's.");
  }
  return settings;
}

}  // namespace moca::data
