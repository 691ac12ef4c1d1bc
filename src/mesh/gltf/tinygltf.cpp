// tinygltf's own code, compiled here: the options it is compiled with decide how its classes look,
// and Debian's library was compiled with others.
#define TINYGLTF_IMPLEMENTATION
#include <fstream>
#include <sstream>

#include <tiny_gltf.h>
