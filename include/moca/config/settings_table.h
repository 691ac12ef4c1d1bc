#pragma once

#include <string>
#include <vector>

#include "moca/config/binding.h"

namespace moca::config {

// One setting as `moca settings` shows it.
struct SettingInfo {
  std::string path;           // "model.router.num_selected"
  std::string type;           // "whole number", "list of text", ...
  std::string default_value;  // as it is written in YAML
  std::string rule;           // "at least 0"; empty where everything is accepted
  std::string help;
  bool may_change = false;  // when a run is resumed
};

std::vector<SettingInfo> setting_infos(const Binding& binding);

// A setting that two configs of one type do not have alike.
struct Difference {
  std::string path;
  std::string a;  // as it is written in YAML
  std::string b;
  bool may_change = false;
};

std::vector<Difference> differences(const std::vector<SettingInfo>& a,
                                    const std::vector<SettingInfo>& b);

// One block per section with aligned columns, for the terminal.
std::string settings_text(const std::vector<SettingInfo>& settings);

// One Markdown table per section, for configs/README.md.
std::string settings_markdown(const std::vector<SettingInfo>& settings);

}  // namespace moca::config
