#include "moca/report/svg_plot.h"

#include <Eigen/Geometry>
#include <cmath>
#include <map>
#include <sstream>
#include <stdexcept>

#include "moca/core/text.h"

namespace moca::report {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 320;
constexpr double kLeft = 66;
constexpr double kRight = 16;
constexpr double kTitleHeight = 30;
constexpr double kBottom = 44;
constexpr size_t kMaxPoints = 400;  // about one a pixel
constexpr int kWantedTicks = 6;

constexpr const char* kLineColor = "#0072B2";

using Point = Eigen::Vector2d;

struct Range {
  double low = 0;
  double high = 0;
};

// A single value gets some room on both sides.
Range widened(double low, double high) {
  const double margin = low < high ? 0.0 : low == 0 ? 1.0 : 0.1 * std::abs(low);
  return {low - margin, high + margin};
}

// From values, those of y as logarithms, to pixels.
struct Axes {
  Range x;
  Range y;

  double left(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight);
  }
  double top(double value) const {
    return kHeight - kBottom -
           (value - y.low) / (y.high - y.low) * (kHeight - kTitleHeight - kBottom);
  }
};

std::string number(double value, int digits = 6) { return formatted("%.*g", digits, value); }

// Unbroken runs of drawable points.
std::vector<std::vector<Point>> runs_of(const Curve& curve) {
  if (curve.x.size() != curve.y.size()) {
    throw std::logic_error("line_plot: a curve has " + std::to_string(curve.x.size()) + " x and " +
                           std::to_string(curve.y.size()) + " y");
  }
  std::vector<std::vector<Point>> runs(1);
  for (size_t i = 0; i < curve.x.size(); ++i) {
    const double y = curve.y[i] > 0 ? std::log10(curve.y[i]) : NAN;
    if (std::isfinite(curve.x[i]) && std::isfinite(y)) {
      runs.back().emplace_back(curve.x[i], y);
    } else if (!runs.back().empty()) {
      runs.emplace_back();
    }
  }
  if (runs.back().empty()) {
    runs.pop_back();
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
    Point mean(0, 0);
    for (size_t i = begin; i < end; ++i) {
      mean += run[i] / static_cast<double>(end - begin);
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
    draw_grid_line(svg, axes.left(tick), kTitleHeight, axes.left(tick), kHeight - kBottom);
    draw_text(svg, axes.left(tick), kHeight - kBottom + 16, "middle", number(tick));
  }
  for (const double tick : log_ticks_in(axes.y)) {
    draw_grid_line(svg, kLeft, axes.top(tick), kWidth - kRight, axes.top(tick));
    draw_text(svg, kLeft - 6, axes.top(tick) + 4, "end", number(std::pow(10.0, tick), 3));
  }
  svg << "<rect x=\"" << kLeft << "\" y=\"" << kTitleHeight << "\" width=\""
      << kWidth - kLeft - kRight << "\" height=\"" << kHeight - kTitleHeight - kBottom
      << "\" fill=\"none\" stroke=\"#888888\"/>\n";
}

void draw_run(std::ostream& svg, const std::vector<Point>& run, const Axes& axes) {
  if (run.size() == 1) {
    svg << "<circle cx=\"" << axes.left(run[0].x()) << "\" cy=\"" << axes.top(run[0].y())
        << "\" r=\"3\" fill=\"" << kLineColor << "\"/>\n";
    return;
  }
  svg << "<polyline fill=\"none\" stroke=\"" << kLineColor << "\" stroke-width=\"1.6\" points=\"";
  for (const Point& point : thinned(run)) {
    svg << axes.left(point.x()) << ',' << axes.top(point.y()) << ' ';
  }
  svg << "\"/>\n";
}

}  // namespace

std::string line_plot(std::string_view title, std::string_view x_label, std::string_view y_label,
                      const Curve& curve) {
  std::ostringstream svg;
  svg.precision(5);
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
      << "\" width=\"" << kWidth << "\" height=\"" << kHeight
      << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << "<g font-size=\"14\" font-weight=\"bold\">";
  draw_text(svg, kLeft, 20, "start", title);
  svg << "</g>\n";
  const auto runs = runs_of(curve);
  if (runs.empty()) {
    draw_text(svg, kWidth / 2, kHeight / 2, "middle", "no values to draw");
    svg << "</svg>\n";
    return svg.str();
  }
  Eigen::AlignedBox2d box;
  for (const std::vector<Point>& run : runs) {
    for (const Point& point : run) {
      box.extend(point);
    }
  }
  const Axes axes = {widened(box.min().x(), box.max().x()), widened(box.min().y(), box.max().y())};
  draw_axes(svg, axes);
  for (const std::vector<Point>& run : runs) {
    draw_run(svg, run, axes);
  }
  draw_text(svg, (kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", x_label);
  svg << "<g transform=\"rotate(-90 14 " << kHeight / 2 << ")\">";
  draw_text(svg, 14, kHeight / 2, "middle", y_label);
  svg << "</g>\n</svg>\n";
  return svg.str();
}

std::string escape_markup(std::string_view text) {
  static const std::map<char, std::string> kEscapes = {
      {'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  std::string safe;
  for (const char letter : text) {
    const auto escape = kEscapes.find(letter);
    const char shown = static_cast<unsigned char>(letter) < 32 ? ' ' : letter;
    safe += escape == kEscapes.end() ? std::string(1, shown) : escape->second;
  }
  return safe;
}

}  // namespace moca::report
