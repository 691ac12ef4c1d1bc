#include "moca/nn/default_type.h"

#include <c10/core/DefaultDtype.h>

namespace moca::nn {

DefaultType::DefaultType(at::ScalarType type) : before_(c10::get_default_dtype_as_scalartype()) {
  c10::set_default_dtype(c10::scalarTypeToTypeMeta(type));
}

DefaultType::~DefaultType() { c10::set_default_dtype(c10::scalarTypeToTypeMeta(before_)); }

}  // namespace moca::nn
