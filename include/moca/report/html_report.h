#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moca/image/image.h"

namespace moca::report {

// A number worth reading first: "F-score at 0.1", "0.913", "bar: at least 0.85".
struct KeyScore {
  std::string name;
  std::string value;
  std::string note;
};

struct Table {
  std::string title;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::string note;  // how to read it, below the title
};

struct NamedImage {
  std::string name;
  Image image;
  std::string note;
};

struct ReportPage {
  std::string title;
  std::string subtitle;
  std::vector<KeyScore> key_scores;
  std::vector<std::string> svg_plots;  // whole SVG elements, from line_plot; put in as they are
  std::vector<Table> tables;
  std::vector<NamedImage> images;
};

// One page that needs nothing else: styles, plots and images are inside. All text is escaped.
// Throws std::logic_error for a table row that is longer or shorter than the table's header.
std::string html_of(const ReportPage& page);

// Base64 of bytes, with padding (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace moca::report
