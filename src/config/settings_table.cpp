#include "moca/config/schema.h"

#include <algorithm>
#include <array>

#include "moca/config/values.h"
#include "setting_path.h"

namespace moca::config {
namespace {

constexpr size_t kWidestCell = 40;  // a longer default does not push the columns apart

std::string leaf_of(const std::string& path) { return split(path).second; }

using Block = std::pair<std::string, std::vector<SettingInfo>>;  // a section and what is in it

// The settings by section, sections in the order of their first setting.
std::vector<Block> by_section(const std::vector<SettingInfo>& settings) {
  std::vector<Block> blocks;
  for (const SettingInfo& setting : settings) {
    const std::string section = split(setting.path).first;
    auto block = std::ranges::find(blocks, section, &Block::first);
    if (block == blocks.end()) {
      block = blocks.insert(blocks.end(), {section, {}});
    }
    block->second.push_back(setting);
  }
  return blocks;
}

// "whole number at least 0; may change"; a list of choices says enough alone.
std::string kind_and_rule(const SettingInfo& setting) {
  const bool is_choice = setting.rule.starts_with("one of") && !setting.type.starts_with("list");
  const std::string rule = setting.rule.empty() ? "" : " " + setting.rule;
  return (is_choice ? setting.rule : setting.type + rule) +
         (setting.may_change == MayChange::kYes ? "; may change" : "");
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string table_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    cell += c == '|' ? "\\|" : std::string(1, c);
  }
  return cell;
}

}  // namespace

std::vector<SettingInfo> setting_infos(const Binding& binding) {
  std::vector<SettingInfo> infos;
  for (const Setting& setting : binding.settings) {
    const auto* choice = std::get_if<EnumVariable>(&setting.variable);
    const std::string rule = choice != nullptr
                                 ? "one of " + braced(choice->names)
                                 : rule_text(setting.numbers) + rule_text(setting.texts);
    infos.push_back({setting.path, type_name(setting), yaml_text(setting), rule, setting.help,
                     setting.may_change});
  }
  return infos;
}

std::vector<Difference> differences(const std::vector<SettingInfo>& a,
                                    const std::vector<SettingInfo>& b) {
  std::vector<Difference> found;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i].default_value != b[i].default_value) {
      found.push_back({a[i].path, a[i].default_value, b[i].default_value, a[i].may_change});
    }
  }
  return found;
}

std::string settings_text(const std::vector<SettingInfo>& settings) {
  std::array<size_t, 3> widths{};
  for (const SettingInfo& setting : settings) {
    const std::array<size_t, 3> lengths{leaf_of(setting.path).size(), setting.default_value.size(),
                                        kind_and_rule(setting).size()};
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(lengths[i], kWidestCell));
    }
  }
  std::string text;
  for (const auto& [section, block] : by_section(settings)) {
    text += (text.empty() ? "" : "\n") + (section.empty() ? "top level" : section) + "\n";
    for (const SettingInfo& setting : block) {
      text += "  " + padded(leaf_of(setting.path), widths[0]) + "  " +
              padded(setting.default_value, widths[1]) + "  " +
              padded(kind_and_rule(setting), widths[2]) + "  " + setting.help + "\n";
    }
  }
  return text;
}

std::string settings_markdown(const std::vector<SettingInfo>& settings) {
  std::string text;
  for (const auto& [section, block] : by_section(settings)) {
    text += (text.empty() ? "" : "\n");
    text += "## " + (section.empty() ? "Top level" : "`" + section + "`") + "\n\n";
    text += "| setting | default | accepts | meaning |\n|---|---|---|---|\n";
    for (const SettingInfo& setting : block) {
      text += "| `" + leaf_of(setting.path) + "` | `" + table_cell(setting.default_value) + "` | " +
              table_cell(kind_and_rule(setting)) + " | " + table_cell(setting.help) + " |\n";
    }
  }
  return text;
}

}  // namespace moca::config
