// Process-CPU time of reading mesh files: our readers with everything they do, and assimp's import
// alone with its triangulation (the program read meshes so until revision 581fede).
// Usage: moca_read_meshes_benchmark ROUNDS FILE...
#include <assimp/cimport.h>
#include <assimp/postprocess.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "moca/mesh/mesh_io.h"

namespace {

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::vector<std::string>& files,
                  const std::function<void(const std::string&)>& read) {
  const double start = process_cpu_seconds();
  for (const auto& file : files) {
    read(file);
  }
  return process_cpu_seconds() - start;
}

void read_with_assimp(const std::string& file) {
  const aiScene* scene = aiImportFile(file.c_str(), aiProcess_Triangulate);
  if (scene == nullptr) {
    std::fprintf(stderr, "assimp: %s: %s\n", file.c_str(), aiGetErrorString());
    std::exit(EXIT_FAILURE);
  }
  aiReleaseImport(scene);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 2 ? std::atoi(argv[1]) : 0;
  const std::vector<std::string> files(argv + std::min(argc, 2), argv + argc);
  if (rounds < 1) {
    std::fprintf(stderr, "usage: moca_read_meshes_benchmark ROUNDS FILE...\n");
    return 2;
  }
  double ours = 1e9, assimp = 1e9;  // in turns, the fastest round of each
  for (int round = 0; round < rounds; ++round) {
    ours = std::min(
        ours, seconds_of(files, [](const std::string& file) { moca::mesh::read_scene(file); }));
    assimp = std::min(assimp, seconds_of(files, read_with_assimp));
  }
  std::printf("{\"files\": %zu, \"seconds\": %.6f, \"assimp_seconds\": %.6f}\n", files.size(), ours,
              assimp);
}
