#include "moca/experiment/report_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/mapped.h"
#include "moca/core/program.h"
#include "moca/core/text.h"
#include "moca/data/prepared_dataset.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/image/image_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/report/contact_sheet.h"
#include "moca/report/html_report.h"
#include "moca/report/svg_plot.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// A value that every row of a table has: of the row's object `scene`, or of the row itself.
struct Column {
  std::string header;
  std::string key;
  std::string scene = "";
  std::string arrow = "";  // up where a higher score is better
};
using Columns = std::vector<Column>;

// "-" where it was not scored.
std::string cell(const Json& row, const Column& column) {
  const auto value = (column.scene.empty() ? row : row.at(column.scene)).value(column.key, Json());
  if (value.is_string()) {
    return value;
  }
  const int digits = value.is_number_float() ? 4 : 0;
  return value.is_number() ? formatted("%.*f", digits, value.get<double>()) : "-";
}

// A column per score.
Columns scores_of(const Json& evaluation) {
  Columns columns;
  for (const auto& score : evaluation.at("scores")) {
    columns.push_back({score.at("label"), score.at("name"), "",
                       score.at("better") == "higher" ? " \u2191" : " \u2193"});
  }
  return columns;
}

// For a reader who wants only a few.
Columns first_scores(Columns scores) {
  constexpr size_t kNumKeys = 2;
  scores.resize(std::min(kNumKeys, scores.size()));
  return scores;
}

void add_columns(const Columns& more, const std::string& prefix, const std::string& scene,
                 Columns& columns) {
  for (const auto& column : more) {
    columns.push_back({prefix + column.header, column.key, scene, column.arrow});
  }
}

void add_table(const std::string& title, const std::string& note, const Columns& columns,
               const Json& rows, report::ReportPage& page) {
  report::Table table{title, {}, {}, note};
  table.header = mapped(columns, [](const Column& of) { return of.header + of.arrow; });
  for (const auto& row : rows) {
    table.rows.push_back(mapped(columns, [&](const Column& column) { return cell(row, column); }));
  }
  page.tables.push_back(table);
}

// A curve of a metrics.jsonl. A line cut short by a kill is left out.
report::Curve curve_of(const fs::path& file, const std::string& name) {
  report::Curve curve;
  std::istringstream lines(fs::exists(file) ? read_file(file) : "");
  for (std::string line; std::getline(lines, line);) {
    const auto json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("step") && json.value(name, Json()).is_number()) {
      curve.x.push_back(json.at("step"));
      curve.y.push_back(json.at(name));
    }
  }
  return curve;
}

// A pretrained VAE has no curves, nor has a run before its first line.
void add_curves(const fs::path& run_folder, const std::string& stage, report::ReportPage& page) {
  for (const char* name : {"loss", "gradient_norm"}) {
    if (const auto curve = curve_of(run_folder / "metrics.jsonl", name); !curve.x.empty()) {
      page.svg_plots.push_back(report::line_plot(stage + ": " + name, "step", name, curve));
    }
  }
}

std::string title_of(const std::string& split) {
  return split == "train"  ? "Assets trained on"
         : split == "test" ? "Assets not trained on"
                           : "Assets of the split " + split + ", not trained on";
}

void add_summary(const Json& evaluation, const Columns& scores, const std::string& split,
                 report::ReportPage& page) {
  const auto& summary = evaluation.at(split);
  if (summary.at("num_assets") == 0) {
    return;
  }
  Json rows = Json::array();
  for (const auto& scene : kScenes) {
    if (Json row = summary.at(scene.name); !row.empty()) {
      row["scene"] = scene.title;
      rows.push_back(row);
    }
  }
  Columns columns = {{"", "scene"}};
  add_columns(scores, "", "", columns);
  add_table(title_of(split),
            summary.at("num_assets").dump() +
                " assets, means. Control: the generated assets against another asset's reference. "
                "Other image: generated from another asset's image, against that asset.",
            columns, rows, page);
}

// The split whose scores come first: the one trained on, where the dataset has it.
std::string first_split(const Json& evaluation) {
  const auto& splits = evaluation.at("vae_components");
  for (const auto& [split, unused] : splits.items()) {
    if (evaluation.at("train").at("num_assets") == 0 && evaluation.at(split).at("num_assets") > 0) {
      return split;
    }
  }
  return "train";
}

void add_key_scores(const Json& evaluation, const Columns& scores, report::ReportPage& page) {
  const auto split = first_split(evaluation);
  const auto& summary = evaluation.at(split);
  const auto& vae = evaluation.at("vae_components").at(split);
  for (const auto& [header, key, scene, arrow] : first_scores(scores)) {
    if (summary.at("generated").contains(key)) {
      page.key_scores.push_back(
          {header + arrow, cell(summary, {"", key, "generated"}),
           title_of(split) + "; control " + cell(summary, {"", key, "control"})});
    }
    if (vae.at("num_components") > 0 && vae.contains(key + "_median")) {
      page.key_scores.push_back({"VAE " + header + arrow, cell(vae, {"", key + "_median"}),
                                 "median over components, mean " + cell(vae, {"", key + "_mean"})});
    }
  }
}

void add_worst(const Json& evaluation, const Columns& scores, report::ReportPage& page) {
  const auto split = first_split(evaluation);
  const auto& components = evaluation.at("vae_components").at(split);
  const auto& worst = components.at("worst");
  Columns columns = {{"asset", "asset"}, {"component", "component"}};
  add_columns(scores, "", "", columns);
  std::erase_if(columns, [&](const Column& column) {
    return !worst.empty() && !worst.front().contains(column.key);
  });
  if (!worst.empty()) {
    const std::string by = components.at("worst_by");
    add_table("The VAE's worst ten components", title_of(split) + ", by " + by + ".", columns,
              worst, page);
  }
}

void add_assets(const Json& evaluation, const Columns& scores, report::ReportPage& page) {
  Columns columns = {{"asset", "id"}, {"split", "split"}, {"components", "components"}};
  add_columns(scores, "", "generated", columns);
  add_columns(first_scores(scores), "control ", "control", columns);
  add_columns(first_scores(scores), "VAE ", "vae_reconstruction", columns);
  add_table("Every asset", "", columns, evaluation.at("assets"), page);
}

// Image, reference and generated components of all assets of a split.
Image sheet_of(const Json& evaluation, const Columns& scores, const std::string& split,
               const fs::path& folder, const data::PreparedDataset& dataset,
               const std::string& title) {
  std::vector<report::SheetRow> rows;
  const auto& assets = evaluation.at("assets");
  for (size_t i = 0; i < assets.size(); ++i) {
    if (assets[i].at("split") != split) {
      continue;
    }
    const std::string id = assets[i].at("id");
    const auto caption = joined(first_scores(scores), "  ", [&](const Column& score) {
      return score.header + " " + cell(assets[i], {"", score.key, "generated"});
    });
    rows.push_back({id, read_image(folder / id / "image.png"),
                    dataset.reference(static_cast<int64_t>(i)),
                    mesh::read_scene_with_empty(folder / id / "asset.glb"), caption});
  }
  return rows.empty() ? Image() : report::contact_sheet(rows, title);
}

// Of the evaluation in `folder`.
fs::path page_folder(const fs::path& run_folder, const fs::path& folder) {
  std::error_code missing;
  const bool elsewhere =
      fs::exists(folder) && !fs::equivalent(folder, run_folder / "evaluation", missing);
  return elsewhere ? folder : run_folder;
}

void add_sheets(const Json& evaluation, const Columns& scores, const RunConfig& config,
                const fs::path& folder, report::ReportPage& page, std::vector<fs::path>& written) {
  const data::PreparedDataset dataset(config.data.path);
  for (const auto& [split, unused] : evaluation.at("vae_components").items()) {
    const auto name = title_of(split);
    const auto sheet =
        sheet_of(evaluation, scores, split, folder, dataset, config.name + ": " + name);
    if (sheet.width > 0) {
      written.push_back(page_folder(config.folder(), folder) / ("contact_sheet_" + split + ".png"));
      write_png(written.back(), sheet);
      page.images.push_back({name, sheet,
                             "Image, reference from two views, generated from the same two; one "
                             "colour per component."});
    }
  }
}

// ", evaluated at step 20 with guidance 7, 50 steps, decoder resolution 129".
std::string model_text(const Json& evaluation, const RunConfig& config) {
  const auto model = evaluation.value("model", Json::object());
  if (!model.contains("step")) {
    return "";
  }
  const int64_t step = model["step"];
  std::string text = ", evaluated at step " + std::to_string(step);
  const auto newest = checkpoint::steps_in(config.folder() / "checkpoints");
  if (!newest.empty() && newest.back() != step) {
    text += " (the run has reached step " + std::to_string(newest.back()) + " since)";
  }
  const auto& settings = model.at("settings");
  if (config.stage == Stage::kDit) {
    text += ", guidance " + settings.at("sampler.guidance_scale").dump() + ", " +
            settings.at("sampler.num_steps").dump() + " sampling steps";
  }
  return text + ", decoder resolution " + settings.at("decoder.resolution").dump();
}

// Tables, and the sheets of a run that generates; `written` gets the files.
void add_evaluation(const fs::path& folder, const RunConfig& config, report::ReportPage& page,
                    std::vector<fs::path>& written) {
  const auto file = folder / "evaluation.json";
  try {
    const auto evaluation = Json::parse(read_file(file));
    page.subtitle += model_text(evaluation, config);
    const auto scores = scores_of(evaluation);
    add_key_scores(evaluation, scores, page);
    for (const auto& [split, unused] : evaluation.at("vae_components").items()) {
      add_summary(evaluation, scores, split, page);
    }
    add_worst(evaluation, scores, page);
    if (config.stage == Stage::kDit) {
      add_assets(evaluation, scores, page);
      add_sheets(evaluation, scores, config, folder, page, written);
    }
  } catch (const Json::exception& mistake) {
    throw Error(file, " is not the result of an evaluation (", mistake.what(),
                "). Remove its folder and make it again: ",
                command("evaluate " + shell_word(config.folder().string())), ".");
  }
}

}  // namespace

std::vector<fs::path> report_run(const RunConfig& config, const fs::path& evaluation_folder) {
  report::ReportPage page;
  std::vector<fs::path> written;
  page.title = "moca run " + config.name;
  page.subtitle =
      std::string("Stage ") + config::name_of(config.stage) + ", dataset " + config.data.path;
  const bool is_dit = config.stage == Stage::kDit;
  if (is_dit && !config.vae_run.empty()) {
    add_curves(config.vae_run, "VAE", page);
  }
  add_curves(config.folder(), is_dit ? "MoCA DiT" : "VAE", page);
  if (fs::exists(evaluation_folder / "evaluation.json")) {
    add_evaluation(evaluation_folder, config, page, written);
  }
  written.insert(written.begin(), page_folder(config.folder(), evaluation_folder) / "report.html");
  write_file(written.front(), report::html_of(page));
  return written;
}

}  // namespace moca::experiment
