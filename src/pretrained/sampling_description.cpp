#include "moca/pretrained/sampling_description.h"

#include "json_reader.h"
#include "moca/core/error.h"
#include "moca/pretrained/hugging_face_config.h"
#include "moca/pretrained/hugging_face_folder.h"

namespace moca::pretrained {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConvertAgain = "Write the folder again with moca convert-weights.";

// Whether moca wrote the folder's DiT: it says so, or has what only MoCA has.
bool is_export(const fs::path& folder) {
  if (!has_part(folder, Part::kTransformer)) {
    return false;
  }
  JsonReader config(part_folder(folder, Part::kTransformer) / config_name(Part::kTransformer));
  return config.has(kExportedBy) || config.has("moca");
}

}  // namespace

std::optional<SamplingDescription> read_sampling(const fs::path& folder) {
  const auto file = folder / kModelIndex;
  if (!fs::is_regular_file(file) || !JsonReader(file).has("_sampling")) {
    if (!is_export(folder)) {
      return std::nullopt;
    }
    throw Error(file,
                ": _sampling is missing, which holds the number of tokens, the "
                "steps, the guidance and more (vae.num_tokens, sampler.num_steps, ...). ",
                kConvertAgain);
  }
  auto json = JsonReader(file).section("_sampling");
  SamplingDescription description;
  for (const char* key : {"component_ids", "preprocessing"}) {
    if (!json.has(key)) {
      json.refuse(key, kConvertAgain);
    }
  }
  json("component_ids", description.component_ids);
  json("preprocessing", description.preprocessing);
  description.settings = json.section("settings").entries();
  json.warn_unknown();
  return description;
}

nlohmann::ordered_json json_of(const SamplingDescription& description) {
  auto settings = nlohmann::ordered_json::object();
  for (const auto& [name, value] : description.settings) {
    // Numbers, lists and true are JSON as they are; a name of an enum is a text.
    auto json = nlohmann::ordered_json::parse(value, nullptr, /*allow_exceptions=*/false);
    settings[name] = json.is_discarded() ? nlohmann::ordered_json(value) : std::move(json);
  }
  return {{"component_ids", config::name_of(description.component_ids)},
          {"preprocessing", config::name_of(description.preprocessing)},
          {"settings", std::move(settings)}};
}

}  // namespace moca::pretrained
