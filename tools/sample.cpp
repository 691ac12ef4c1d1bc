#include <charconv>
#include <string>

#include "commands.h"
#include "moca/experiment/sample_image.h"

namespace {

// CLI11 takes a larger number as the largest that there is.
std::string check_64_bits(const std::string& text) {
  int64_t number = 0;
  const bool is_whole = std::from_chars(text.data(), text.data() + text.size(), number).ec !=
                        std::errc::result_out_of_range;
  return is_whole ? "" : text + " does not fit in 64 bits.";
}

}  // namespace

void add_sample(CLI::App& app) {
  auto [command, options] = add_command<moca::experiment::SampleOptions>(
      app, "sample", "Generate one mesh per component from an image",
      moca::experiment::sample_image);
  command->add_option("--run", options->run, "folder of a run of stage dit");
  command->add_option("--weights", options->weights,
                      "folder of weights in the layout of TripoSG and PartCrafter: public ones, "
                      "or what convert-weights wrote");
  command->add_option("--image", options->image, "PNG, JPEG or WebP of the object or scene")
      ->required();
  command->add_option(
      "--component-map", options->component_map,
      "for models trained with masks: PNG of the image's size, grey or palette, 0 the "
      "background, i + 1 component i; says how many components there are");
  command->add_option("overrides", options->overrides, "settings as section.key=value");
  command
      ->add_option("--components", options->num_components,
                   "components to generate; default 4, or as many as the component map marks")
      ->check(check_64_bits);
  command
      ->add_option("--precision", options->precision,
                   "fp32 or bf16: what --weights are held and computed in; default fp32, and for "
                   "an export as its run")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  command->add_option("--seed", options->seed, "of the noise and component ids")
      ->capture_default_str()
      ->check(check_64_bits);
  command->add_option("--out", options->out,
                      "folder for the meshes; default samples/IMAGE_N_components_seed_S in the "
                      "run or model folder");
  command->add_flag("--accept-changed-data", options->accept_changed_data,
                    "sample with another VAE than the run was trained on; sample.json says so");
}
