#include "moca/report/html_report.h"

#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "moca/image/image_io.h"
#include "moca/report/svg_plot.h"

namespace moca::report {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 0 auto;
       max-width: 1240px; padding: 24px; }
h1 { font-size: 28px; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 36px 0 8px; border-bottom: 1px solid #ddd; padding-bottom: 4px; }
.subtitle, .note { color: #555; margin: 0 0 12px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; padding: 0;
           list-style: none; }
.figures li { border: 1px solid #ddd; border-radius: 6px; padding: 10px 16px; min-width: 130px; }
.figures .name { color: #555; font-size: 14px; }
.figures .value { font-size: 26px; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures .note { font-size: 13px; margin: 0; }
.plots { display: flex; flex-wrap: wrap; gap: 16px; }
.plots svg { max-width: 100%; height: auto; border: 1px solid #eee; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 4px 12px; border-bottom: 1px solid #e4e4e4; text-align: left;
         white-space: nowrap; }
th { background: #f5f5f7; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tbody tr:hover { background: #fafae8; }
figure { margin: 16px 0; }
figure img { max-width: 100%; height: auto; border: 1px solid #ddd; }
)";

bool is_number(const std::string& text) {
  if (text.empty()) {
    return false;
  }
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() || std::string_view(end) == "%" ||
         std::string_view(end) == " %";
}

void write_paragraph(std::ostream& html, const char* style_class, const std::string& text) {
  if (!text.empty()) {
    html << "<p class=\"" << style_class << "\">" << escape_markup(text) << "</p>\n";
  }
}

void write_key_scores(std::ostream& html, const std::vector<KeyScore>& scores) {
  if (scores.empty()) {
    return;
  }
  html << "<ul class=\"figures\">\n";
  for (const KeyScore& score : scores) {
    html << "<li><div class=\"name\">" << escape_markup(score.name) << "</div><div class=\"value\">"
         << escape_markup(score.value) << "</div>";
    write_paragraph(html, "note", score.note);
    html << "</li>\n";
  }
  html << "</ul>\n";
}

void write_plots(std::ostream& html, const std::vector<std::string>& plots) {
  if (plots.empty()) {
    return;
  }
  html << "<h2>Curves</h2>\n<div class=\"plots\">\n";
  for (const std::string& plot : plots) {
    html << plot;
  }
  html << "</div>\n";
}

void write_table(std::ostream& html, const Table& table) {
  html << "<h2>" << escape_markup(table.title) << "</h2>\n";
  write_paragraph(html, "note", table.note);
  html << "<div class=\"wide\"><table>\n<thead><tr>";
  for (const std::string& name : table.header) {
    html << "<th>" << escape_markup(name) << "</th>";
  }
  html << "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    if (row.size() != table.header.size()) {
      throw std::logic_error("report: a row of table '" + table.title + "' has " +
                             std::to_string(row.size()) + " cells, its header " +
                             std::to_string(table.header.size()));
    }
    html << "<tr>";
    for (const std::string& cell : row) {
      html << (is_number(cell) ? "<td class=\"number\">" : "<td>") << escape_markup(cell)
           << "</td>";
    }
    html << "</tr>\n";
  }
  html << "</tbody>\n</table></div>\n";
}

void write_image(std::ostream& html, const NamedImage& image) {
  html << "<h2>" << escape_markup(image.name) << "</h2>\n";
  write_paragraph(html, "note", image.note);
  html << "<figure><img alt=\"" << escape_markup(image.name) << "\" width=\"" << image.image.width
       << "\" height=\"" << image.image.height << "\" src=\"data:image/png;base64,"
       << base64(encode_png(image.image)) << "\"></figure>\n";
}

}  // namespace

std::string html_of(const ReportPage& page) {
  std::ostringstream html;
  html << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
       << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
       << escape_markup(page.title) << "</title>\n<style>" << kStyle
       << "</style>\n</head>\n<body>\n<h1>" << escape_markup(page.title) << "</h1>\n";
  write_paragraph(html, "subtitle", page.subtitle);
  write_key_scores(html, page.key_scores);
  for (const NamedImage& image : page.images) {
    write_image(html, image);
  }
  write_plots(html, page.svg_plots);
  for (const Table& table : page.tables) {
    write_table(html, table);
  }
  html << "</body>\n</html>\n";
  return html.str();
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8U | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      const bool is_padding = i + k > bytes.size();
      text.push_back(is_padding ? '=' : kLetters[group >> (18U - 6U * k) & 63U]);
    }
  }
  return text;
}

}  // namespace moca::report
