#include "moca/report/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace moca::report {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 320;
constexpr double kLeft = 66;
constexpr double kRight = 16;
constexpr double kTitleHeight = 30;
constexpr double kBottom = 44;
constexpr double kLegendRow = 16;
constexpr size_t kLegendColumns = 3;
constexpr size_t kMaxPoints = 400;  // per line: about one a pixel
constexpr int kWantedTicks = 6;

// Okabe and Ito's palette, which colour-blind readers can tell apart (yellow left out: too light).
constexpr std::array<const char*, 7> kLineColors = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                    "#E69F00", "#56B4E9", "#000000"};

struct Point {
  double x;
  double y;
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  bool empty() const { return low > high; }
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // A single value gets some room on both sides.
  void widen() {
    if (low == high) {
      const double margin = low == 0 ? 1.0 : 0.1 * std::abs(low);
      low -= margin;
      high += margin;
    }
  }
};

// From values to pixels. With `is_log` y holds logarithms.
struct Axes {
  Range x;
  Range y;
  bool is_log = false;
  double top_edge = kTitleHeight;

  double left(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight);
  }
  double top(double value) const {
    return kHeight - kBottom - (value - y.low) / (y.high - y.low) * (kHeight - top_edge - kBottom);
  }
};

std::string number(double value, int digits = 6) {
  std::ostringstream text;
  text.precision(digits);
  text << value;
  return text.str();
}

// Unbroken runs of drawable points.
std::vector<std::vector<Point>> runs_of(const Series& series, bool log_y) {
  if (series.x.size() != series.y.size()) {
    throw std::logic_error("line_plot: series " + series.name + " has " +
                           std::to_string(series.x.size()) + " x and " +
                           std::to_string(series.y.size()) + " y");
  }
  std::vector<std::vector<Point>> runs(1);
  for (size_t i = 0; i < series.x.size(); ++i) {
    const double y = log_y ? (series.y[i] > 0 ? std::log10(series.y[i]) : NAN) : series.y[i];
    if (std::isfinite(series.x[i]) && std::isfinite(y)) {
      runs.back().push_back({series.x[i], y});
    } else if (!runs.back().empty()) {
      runs.emplace_back();
    }
  }
  return runs;
}

std::vector<Point> thinned(const std::vector<Point>& run) {
  if (run.size() <= kMaxPoints) {
    return run;
  }
  std::vector<Point> means;
  for (size_t bin = 0; bin < kMaxPoints; ++bin) {
    const size_t begin = bin * run.size() / kMaxPoints;
    const size_t end = (bin + 1) * run.size() / kMaxPoints;
    Point mean{0, 0};
    for (size_t i = begin; i < end; ++i) {
      mean.x += run[i].x / static_cast<double>(end - begin);
      mean.y += run[i].y / static_cast<double>(end - begin);
    }
    means.push_back(mean);
  }
  return means;
}

// Round values (1, 2 or 5 times a power of ten) within the range.
std::vector<double> ticks_in(const Range& range) {
  const double raw = (range.high - range.low) / kWantedTicks;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double leading = raw / power;
  const double step = power * (leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10);
  std::vector<double> ticks;
  for (double tick = std::ceil(range.low / step); tick * step <= range.high; ++tick) {
    ticks.push_back(tick * step);
  }
  return ticks;
}

// Logarithms of round values: whole powers of ten, and 2 and 5 times them where the range is short.
std::vector<double> log_ticks_in(const Range& range) {
  std::vector<double> ticks;
  const bool is_short = range.high - range.low < 2.5;
  for (double power = std::floor(range.low); power <= range.high; ++power) {
    for (const double leading : {1.0, 2.0, 5.0}) {
      const double tick = power + std::log10(leading);
      if ((leading == 1.0 || is_short) && tick >= range.low && tick <= range.high) {
        ticks.push_back(tick);
      }
    }
  }
  return ticks.size() >= 2 ? ticks : ticks_in(range);
}

void draw_text(std::ostream& svg, double x, double y, std::string_view anchor,
               std::string_view text) {
  svg << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">"
      << escape_markup(text) << "</text>\n";
}

void draw_grid_line(std::ostream& svg, double x1, double y1, double x2, double y2) {
  svg << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2
      << "\" stroke=\"#dddddd\"/>\n";
}

void draw_axes(std::ostream& svg, const Axes& axes) {
  for (const double tick : ticks_in(axes.x)) {
    draw_grid_line(svg, axes.left(tick), axes.top_edge, axes.left(tick), kHeight - kBottom);
    draw_text(svg, axes.left(tick), kHeight - kBottom + 16, "middle", number(tick));
  }
  for (const double tick : axes.is_log ? log_ticks_in(axes.y) : ticks_in(axes.y)) {
    draw_grid_line(svg, kLeft, axes.top(tick), kWidth - kRight, axes.top(tick));
    draw_text(svg, kLeft - 6, axes.top(tick) + 4, "end",
              number(axes.is_log ? std::pow(10.0, tick) : tick, 3));
  }
  svg << "<rect x=\"" << kLeft << "\" y=\"" << axes.top_edge << "\" width=\""
      << kWidth - kLeft - kRight << "\" height=\"" << kHeight - axes.top_edge - kBottom
      << "\" fill=\"none\" stroke=\"#888888\"/>\n";
}

void draw_run(std::ostream& svg, const std::vector<Point>& run, const Axes& axes,
              const char* color) {
  if (run.size() == 1) {
    svg << "<circle cx=\"" << axes.left(run[0].x) << "\" cy=\"" << axes.top(run[0].y)
        << "\" r=\"3\" fill=\"" << color << "\"/>\n";
    return;
  }
  svg << "<polyline fill=\"none\" stroke=\"" << color << "\" stroke-width=\"1.6\" points=\"";
  for (const Point& point : thinned(run)) {
    svg << axes.left(point.x) << ',' << axes.top(point.y) << ' ';
  }
  svg << "\"/>\n";
}

// Between the title and the plot, so that it never hides a line.
void draw_legend(std::ostream& svg, const std::vector<Series>& series) {
  constexpr double kColumnWidth = (kWidth - kLeft - kRight) / kLegendColumns;
  for (size_t i = 0; i < series.size(); ++i) {
    const double x = kLeft + kColumnWidth * static_cast<double>(i % kLegendColumns);
    const double y =
        kTitleHeight + 8 + kLegendRow * std::floor(static_cast<double>(i) / kLegendColumns);
    svg << "<line x1=\"" << x << "\" y1=\"" << y - 4 << "\" x2=\"" << x + 16 << "\" y2=\"" << y - 4
        << "\" stroke=\"" << kLineColors[i % kLineColors.size()] << "\" stroke-width=\"2\"/>\n";
    draw_text(svg, x + 22, y, "start", series[i].name);
  }
}

// The ranges of all points and the room that the legend leaves.
Axes axes_around(const std::vector<std::vector<std::vector<Point>>>& lines, bool is_log) {
  Axes axes;
  axes.is_log = is_log;
  const size_t legend_rows = (lines.size() + kLegendColumns - 1) / kLegendColumns;
  axes.top_edge = kTitleHeight + kLegendRow * static_cast<double>(legend_rows);
  for (const auto& line : lines) {
    for (const std::vector<Point>& run : line) {
      for (const Point& point : run) {
        axes.x.include(point.x);
        axes.y.include(point.y);
      }
    }
  }
  return axes;
}

}  // namespace

std::string line_plot(std::string_view title, std::string_view x_label, std::string_view y_label,
                      const std::vector<Series>& series, bool log_y) {
  std::ostringstream svg;
  svg.precision(5);
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
      << "\" width=\"" << kWidth << "\" height=\"" << kHeight
      << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << "<g font-size=\"14\" font-weight=\"bold\">";
  draw_text(svg, kLeft, 20, "start", title);
  svg << "</g>\n";
  std::vector<std::vector<std::vector<Point>>> lines;
  lines.reserve(series.size());
  for (const Series& line : series) {
    lines.push_back(runs_of(line, log_y));
  }
  Axes axes = axes_around(lines, log_y);
  if (axes.x.empty()) {
    draw_text(svg, kWidth / 2, kHeight / 2, "middle", "no values to draw");
    svg << "</svg>\n";
    return svg.str();
  }
  axes.x.widen();
  axes.y.widen();
  draw_axes(svg, axes);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (const std::vector<Point>& run : lines[i]) {
      if (!run.empty()) {
        draw_run(svg, run, axes, kLineColors[i % kLineColors.size()]);
      }
    }
  }
  draw_legend(svg, series);
  draw_text(svg, (kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", x_label);
  svg << "<g transform=\"rotate(-90 14 " << kHeight / 2 << ")\">";
  draw_text(svg, 14, kHeight / 2, "middle", y_label);
  svg << "</g>\n</svg>\n";
  return svg.str();
}

std::string escape_markup(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe.push_back(static_cast<unsigned char>(letter) < 32 ? ' ' : letter);
    }
  }
  return safe;
}

}  // namespace moca::report
