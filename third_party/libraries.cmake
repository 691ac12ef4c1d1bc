# Finds everything moca is built from, for its own build and for programs that use an installed one;
# nothing is vendored. Versions and traps: third_party/README.md.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 REQUIRED)
find_package(nanoflann REQUIRED)
# Debian's own CMake files of these three name targets of no use here.
find_path(TINYGLTF_INCLUDE_DIR tiny_gltf.h REQUIRED)
find_library(MESHOPTIMIZER_LIBRARY meshoptimizer REQUIRED)
find_path(DRACO_INCLUDE_DIR draco/compression/decode.h REQUIRED)
find_library(DRACO_LIBRARY draco REQUIRED)
add_library(moca_gltf INTERFACE IMPORTED GLOBAL)
target_include_directories(moca_gltf SYSTEM INTERFACE "${TINYGLTF_INCLUDE_DIR}" "${DRACO_INCLUDE_DIR}")
target_link_libraries(moca_gltf INTERFACE "${MESHOPTIMIZER_LIBRARY}" "${DRACO_LIBRARY}")
target_compile_definitions(moca_gltf INTERFACE TINYGLTF_NO_FS TINYGLTF_NO_EXTERNAL_IMAGE
  TINYGLTF_NO_STB_IMAGE TINYGLTF_NO_STB_IMAGE_WRITE)
find_package(OpenSSL REQUIRED)
find_package(embree 3 REQUIRED)
# Readers of image files.
find_package(JPEG REQUIRED)
find_path(SPNG_INCLUDE_DIR spng.h REQUIRED)
find_library(SPNG_LIBRARY spng REQUIRED)
find_path(WEBP_INCLUDE_DIR webp/decode.h REQUIRED)
find_library(WEBP_LIBRARY webp REQUIRED)
find_library(WEBP_DEMUX_LIBRARY webpdemux REQUIRED)
find_path(EXIF_INCLUDE_DIR libexif/exif-data.h REQUIRED)
find_library(EXIF_LIBRARY exif REQUIRED)
add_library(moca_image_formats INTERFACE IMPORTED GLOBAL)
target_include_directories(moca_image_formats SYSTEM INTERFACE
  "${SPNG_INCLUDE_DIR}" "${WEBP_INCLUDE_DIR}" "${EXIF_INCLUDE_DIR}")
target_link_libraries(moca_image_formats INTERFACE JPEG::JPEG
  "${SPNG_LIBRARY}" "${WEBP_LIBRARY}" "${WEBP_DEMUX_LIBRARY}" "${EXIF_LIBRARY}")
find_path(STB_INCLUDE_DIR stb/stb_easy_font.h REQUIRED)
# Debian's Open3D accepts only its exact version, so none is named.
find_package(Open3D CONFIG)
# LibTorch from PyPI's wheel. Its own find_package(Torch) demands a CUDA toolkit, so the targets are
# made by hand; only torch_cpu is linked, and core/device loads libtorch_cuda when a GPU is asked for.
set(MOCA_TORCH_DIR "" CACHE PATH "Folder of the torch package (the one that holds lib/libtorch_cpu.so)")
if(NOT MOCA_TORCH_DIR)
  get_filename_component(project "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
  file(GLOB candidates "${project}/.venv/lib/python3*/site-packages/torch")
  if(NOT candidates)
    execute_process(
      COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE candidates OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(candidates)
    list(GET candidates 0 found)
    set(MOCA_TORCH_DIR "${found}" CACHE PATH "Folder of the torch package" FORCE)
  endif()
endif()
if(NOT EXISTS "${MOCA_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No LibTorch in MOCA_TORCH_DIR='${MOCA_TORCH_DIR}'. "
                      "Run scripts/setup.sh, or set -DMOCA_TORCH_DIR=<site-packages>/torch.")
endif()
message(STATUS "LibTorch: ${MOCA_TORCH_DIR}")
foreach(name c10 torch_cpu c10_cuda torch_cuda)
  add_library(moca_${name} SHARED IMPORTED GLOBAL)
  set_target_properties(moca_${name} PROPERTIES IMPORTED_LOCATION "${MOCA_TORCH_DIR}/lib/lib${name}.so")
endforeach()
add_library(moca_torch INTERFACE IMPORTED GLOBAL)
target_include_directories(moca_torch SYSTEM INTERFACE
  "${MOCA_TORCH_DIR}/include" "${MOCA_TORCH_DIR}/include/torch/csrc/api/include")
target_link_libraries(moca_torch INTERFACE moca_torch_cpu moca_c10 OpenMP::OpenMP_CXX)
# The wheel's libraries find libcudart and libcupti by their own run paths.
target_link_options(moca_torch INTERFACE -Wl,--allow-shlib-undefined)
add_library(moca::torch ALIAS moca_torch)
