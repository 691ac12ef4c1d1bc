#include "moca/experiment/report_run.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/program.h"
#include "moca/data/prepared_dataset.h"
#include "moca/image/image_io.h"
#include "moca/mesh/mesh_io.h"
#include "moca/report/contact_sheet.h"
#include "moca/report/html_report.h"
#include "moca/report/svg_plot.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string number(const Json& value, const char* format = "%.3f") {
  if (!value.is_number()) {
    return value.is_string() ? value.get<std::string>() : "-";
  }
  char text[32];
  std::snprintf(text, sizeof(text), format, value.get<double>());
  return text;
}

// A figure of an evaluation, "-" where it was not scored or has another threshold.
std::string figure(const Json& scores, const char* key, const char* format = "%.3f") {
  return number(scores.value(key, Json()), format);
}

// The curves of a metrics.jsonl, by name.
std::map<std::string, report::Series> curves_of(const fs::path& file) {
  std::map<std::string, report::Series> curves;
  std::istringstream lines(fs::exists(file) ? read_file(file) : "");
  for (std::string line; std::getline(lines, line);) {
    const auto json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("step")) {
      continue;  // a line cut short by a kill
    }
    for (const auto& [name, value] : json.items()) {
      if (name != "step" && value.is_number()) {
        curves[name].x.push_back(json["step"]);
        curves[name].y.push_back(value);
      }
    }
  }
  return curves;
}

void add_curves(const fs::path& run_folder, const std::string& stage, report::ReportPage& page) {
  auto curves = curves_of(run_folder / "metrics.jsonl");
  for (const char* name : {"loss", "gradient_norm"}) {
    auto& curve = curves[name];
    if (curve.x.empty()) {
      continue;  // a pretrained VAE has no curves, nor has a run before its first line
    }
    curve.name = name;
    page.svg_plots.push_back(
        report::line_plot(stage + ": " + name, "step", name, {curve}, /*log_y=*/true));
  }
}

bool was_generated(const Json& summary) { return summary.at("generated").contains("chamfer"); }

void add_summary(const Json& evaluation, const std::string& split, report::ReportPage& page) {
  const auto& summary = evaluation.at(split);
  if (summary.at("num_assets") == 0) {
    return;
  }
  report::Table table;
  table.title = split == "train" ? "Assets trained on" : "Assets not trained on";
  table.note = std::to_string(summary.at("num_assets").get<int>()) +
               " assets, means. Control: the generated assets against another asset's reference. "
               "Other picture: generated from another asset's picture, against that asset.";
  table.header = {"", "Chamfer", "F@0.1", "F@0.05", "self-IoU"};
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"generated", "generated"},
      {"control", "control"},
      {"other_picture", "other picture"},
      {"vae_reconstruction", "VAE reconstruction (ceiling)"},
      {"exact_field", "exact field, extracted (the decoder's ceiling)"}};
  for (const auto& [key, name] : rows) {
    const auto& scores = summary.at(key);
    if (scores.contains("chamfer")) {
      table.rows.push_back({name, figure(scores, "chamfer"), figure(scores, "f_score_0.1"),
                            figure(scores, "f_score_0.05"), figure(scores, "self_iou", "%.4f")});
    }
  }
  page.tables.push_back(table);
}

void add_key_figures(const Json& evaluation, report::ReportPage& page) {
  const auto& train = evaluation.at("train");
  if (was_generated(train)) {
    page.key_figures.push_back(
        {"F-score at 0.1", figure(train["generated"], "f_score_0.1"), "assets trained on"});
    page.key_figures.push_back(
        {"Chamfer distance", figure(train["generated"], "chamfer"), "sum of both directions"});
    page.key_figures.push_back({"control F-score at 0.1", figure(train["control"], "f_score_0.1"),
                                "another asset's reference"});
  }
  const auto& vae = evaluation.at("vae_components").at("train");
  page.key_figures.push_back({"VAE F-score at 0.05", figure(vae, "f_score_0.05_median"),
                              "median over components, mean " + figure(vae, "f_score_0.05_mean")});
}

void add_worst(const Json& evaluation, report::ReportPage& page) {
  report::Table table;
  table.title = "The VAE's worst ten components";
  table.note = "Of the assets trained on, by F@0.05.";
  table.header = {"asset", "component", "F@0.05", "F@0.1", "Chamfer"};
  for (const auto& worst : evaluation.at("vae_components").at("train").at("worst")) {
    table.rows.push_back({worst.at("asset"), worst.at("component"), figure(worst, "f_score_0.05"),
                          figure(worst, "f_score_0.1"), figure(worst, "chamfer")});
  }
  page.tables.push_back(table);
}

void add_assets(const Json& evaluation, report::ReportPage& page) {
  report::Table table;
  table.title = "Every asset";
  table.header = {"asset",  "split",    "components",    "Chamfer",  "F@0.1",
                  "F@0.05", "self-IoU", "control F@0.1", "VAE F@0.1"};
  for (const auto& asset : evaluation.at("assets")) {
    const auto& generated = asset.at("generated");
    table.rows.push_back({asset.at("id"), asset.at("split"),
                          std::to_string(asset.at("components").get<int>()),
                          figure(generated, "chamfer"), figure(generated, "f_score_0.1"),
                          figure(generated, "f_score_0.05"), figure(generated, "self_iou", "%.4f"),
                          figure(asset.at("control"), "f_score_0.1"),
                          figure(asset.at("vae_reconstruction"), "f_score_0.1")});
  }
  page.tables.push_back(table);
}

// Nothing where no component got a surface: then asset.glb has no faces to read.
mesh::Scene generated_scene(const fs::path& folder) {
  const bool has_meshes =
      std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                  [](const auto& entry) { return entry.path().extension() == ".ply"; });
  return has_meshes ? mesh::read_scene(folder / "asset.glb") : mesh::Scene();
}

// Picture, reference and generated components of all assets of a split.
Image sheet_of(const Json& evaluation, const std::string& split, const fs::path& folder,
               const data::PreparedDataset& dataset, const std::string& title) {
  std::vector<report::SheetRow> rows;
  const auto& assets = evaluation.at("assets");
  for (size_t i = 0; i < assets.size(); ++i) {
    if (assets[i].at("split") != split) {
      continue;
    }
    const std::string id = assets[i].at("id");
    const auto& generated = assets[i].at("generated");
    rows.push_back(
        {id, read_image(folder / id / "picture.png"), dataset.reference(static_cast<int64_t>(i)),
         generated_scene(folder / id),
         "F@0.1 " + figure(generated, "f_score_0.1") + "  CD " + figure(generated, "chamfer")});
  }
  report::SheetOptions options;
  options.headline = title;
  return rows.empty() ? Image() : report::contact_sheet(rows, options);
}

// Of the evaluation in `folder`.
fs::path page_folder(const RunConfig& config, const fs::path& folder) {
  std::error_code missing;
  const bool elsewhere =
      fs::exists(folder) && !fs::equivalent(folder, config.folder() / "evaluation", missing);
  return elsewhere ? folder : config.folder();
}

void add_sheets(const Json& evaluation, const RunConfig& config, const fs::path& folder,
                report::ReportPage& page, std::vector<fs::path>& written) {
  const data::PreparedDataset dataset(config.data.path);
  for (const std::string split : {"train", "test"}) {
    const std::string name = split == "train" ? "Assets trained on" : "Assets not trained on";
    const auto sheet = sheet_of(evaluation, split, folder, dataset, config.name + ": " + name);
    if (sheet.width > 0) {
      written.push_back(page_folder(config, folder) / ("contact_sheet_" + split + ".png"));
      write_png(written.back(), sheet);
      page.images.push_back({name, sheet,
                             "Picture, reference from two views, generated from the same two; one "
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
    add_key_figures(evaluation, page);
    add_summary(evaluation, "train", page);
    add_summary(evaluation, "test", page);
    add_worst(evaluation, page);
    if (config.stage == Stage::kDit) {
      add_assets(evaluation, page);
      add_sheets(evaluation, config, folder, page, written);
    }
  } catch (const Json::exception& mistake) {
    throw Error(file.string() + " is not the result of an evaluation (" + mistake.what() +
                "). Remove its folder and make it again: " +
                command("evaluate " + shell_word(config.folder().string())) + ".");
  }
}

}  // namespace

std::vector<fs::path> report_run(const RunConfig& config, const fs::path& evaluation_folder) {
  report::ReportPage page;
  std::vector<fs::path> written;
  page.title = "moca run " + config.name;
  page.subtitle = "Stage " + std::string(config.stage == Stage::kVae ? "vae" : "dit") +
                  ", dataset " + config.data.path;
  if (config.stage == Stage::kDit) {
    if (!config.vae_run.empty()) {
      add_curves(config.vae_run, "VAE", page);
    }
    add_curves(config.folder(), "MoCA DiT", page);
  } else {
    add_curves(config.folder(), "VAE", page);
  }
  if (fs::exists(evaluation_folder / "evaluation.json")) {
    add_evaluation(evaluation_folder, config, page, written);
  }
  written.insert(written.begin(), page_folder(config, evaluation_folder) / "report.html");
  report::write_report(written.front(), page);
  return written;
}

}  // namespace moca::experiment
