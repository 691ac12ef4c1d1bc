// Every operator of LibTorch that the CPU has, on tensors of the stand-in device.
#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "memory.h"
#include "synchronizations.h"
#include "tensors.h"

namespace moca::stand_in {
namespace {

using Stack = torch::jit::Stack;

// What only the device knows decides how large their results are, or what they return.
const std::set<std::string> kWaiting = {
    "aten::nonzero",    "aten::masked_select",      "aten::_unique2", "aten::unique_dim",
    "aten::equal",      "aten::unique_consecutive", "aten::bincount", "aten::repeat_interleave",
    "aten::is_nonzero", "aten::_local_scalar_dense"};
// Their indices may lie on the CPU; they are copied to the device.
const std::set<std::string> kTakingIndices = {"aten::index", "aten::index_put_",
                                              "aten::_index_put_impl_"};

// One call of an operator: its arguments on the stack become tensors of the CPU over the same
// memory, its results tensors of the device again.
class Call {
 public:
  Call(const c10::OperatorHandle& op, Stack& stack)
      : name_(op.schema().name()), stack_(stack), num_results_(op.schema().returns().size()) {
    first_ = stack.size() - op.schema().arguments().size();
  }

  void take_arguments() {
    for (size_t i = first_; i < stack_.size(); ++i) {
      find_device(stack_[i]);
    }
    if (kWaiting.contains(name_)) {
      count_synchronization(name_.substr(name_.rfind(':') + 1));
    }
    for (size_t i = first_; i < stack_.size(); ++i) {
      take(stack_[i]);
    }
  }

  void give_results() {
    if (num_results_ == 0) {
      for (const auto& argument : arguments_) {
        take_over_shape(argument);
      }
    }
    for (size_t i = stack_.size() - num_results_; i < stack_.size(); ++i) {
      give(stack_[i]);
    }
  }

 private:
  struct Argument {
    at::Tensor device, host;
  };

  void find_device(const c10::IValue& value) {
    if (value.isTensor() && value.toTensor().is_cuda()) {
      set_device(value.toTensor().device());
    } else if (value.isDevice() && value.toDevice().is_cuda()) {
      set_device(value.toDevice());
    } else if (value.isList()) {
      for (const auto& element : value.toListRef()) {
        find_device(element);
      }
    }
  }

  void set_device(c10::Device found) {
    const auto device =
        found.has_index() ? found : c10::Device(c10::kCUDA, stand_in::current_device());
    TORCH_CHECK(!device_ || *device_ == device, "stand-in device: ", name_, " got tensors on ",
                device, " and on ", *device_);
    device_ = device;
  }

  void take(c10::IValue& value) {
    if (value.isTensor()) {
      value = taken(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const auto& tensor : value.toTensorVector()) {
        list.push_back(taken(tensor));
      }
      value = list;
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorList()) {
        list.push_back(tensor ? std::optional(taken(*tensor)) : std::nullopt);
      }
      value = list;
    } else if (value.isDevice() && value.toDevice().is_cuda()) {
      value = c10::Device(c10::kCPU);
    } else if (value.isGenerator() && value.toGenerator().defined()) {
      TORCH_CHECK(value.toGenerator().device().is_cuda(), "stand-in device: ", name_,
                  " was given a generator of ", value.toGenerator().device());
    }
  }

  at::Tensor taken(const at::Tensor& tensor) {
    if (!tensor.defined()) {
      return tensor;
    }
    const bool is_index = kTakingIndices.contains(name_) && !arguments_.empty() &&
                          !at::isFloatingType(tensor.scalar_type());
    if (!tensor.is_cuda()) {
      TORCH_CHECK(tensor.dim() == 0 || is_index, "stand-in device: ", name_,
                  " got a tensor of sizes ", tensor.sizes(), " on ", tensor.device(), " beside ",
                  *device_);
      if (is_index) {
        count_synchronization("pageable copy to device");
      }
      return tensor;
    }
    if (is_index && tensor.scalar_type() == at::kBool) {
      count_synchronization("index by a mask");
    }
    arguments_.push_back({tensor, on_host(tensor)});
    return arguments_.back().host;
  }

  void give(c10::IValue& value) {
    if (value.isTensor()) {
      value = given(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const auto& tensor : value.toTensorVector()) {
        list.push_back(given(tensor));
      }
      value = list;
    }
  }

  at::Tensor given(const at::Tensor& result) {
    if (!result.defined() || result.is_cuda()) {
      return result;
    }
    for (const auto& argument : arguments_) {
      if (argument.host.is_same(result)) {
        take_over_shape(argument);
        return argument.device;
      }
    }
    for (const auto& argument : arguments_) {
      if (result.numel() > 0 && argument.host.storage().data() == result.storage().data()) {
        return view_on_device(argument.device, result);
      }
    }
    return copied_to(*device_, result);
  }

  // Of an output that was given empty and got a shape.
  static void take_over_shape(const Argument& argument) {
    if (argument.device.sizes() != argument.host.sizes()) {
      replace(argument.device, copied_to(argument.device.device(), argument.host));
    }
  }

  std::string name_;
  Stack& stack_;
  size_t num_results_, first_;
  std::vector<Argument> arguments_;
  std::optional<c10::Device> device_;
};

void run_on_cpu(const c10::OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* stack) {
  Call call(op, *stack);
  call.take_arguments();
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  call.give_results();
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type,
                 std::optional<at::Layout> /*layout*/, std::optional<at::Device> device,
                 std::optional<bool> /*pin*/, std::optional<at::MemoryFormat> format) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_generic(sizes, &device_allocator(),
                                   c10::DispatchKeySet(c10::DispatchKey::CUDA),
                                   type.value_or(c10::get_default_dtype_as_scalartype()), format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                         std::optional<at::ScalarType> type, std::optional<at::Layout> /*layout*/,
                         std::optional<at::Device> device, std::optional<bool> /*pin*/) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_strided_generic(sizes, strides, &device_allocator(),
                                           c10::DispatchKeySet(c10::DispatchKey::CUDA),
                                           type.value_or(c10::get_default_dtype_as_scalartype()));
}

void count_copy(const at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  if (to.is_cuda() == from.is_cuda()) {
    return;
  }
  const auto& of_host = to.is_cuda() ? from : to;
  if (!is_pinned(of_host.const_data_ptr())) {
    count_synchronization(to.is_cuda() ? "pageable copy to device" : "copy to host");
  } else if (!non_blocking) {
    count_synchronization(to.is_cuda() ? "blocking copy to device" : "copy to host");
  }
}

at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  if (to.numel() > 0) {
    count_copy(to, from, non_blocking);
    auto target = to.is_cuda() ? on_host(to) : to;
    target.copy_(from.is_cuda() ? on_host(from) : from);
  }
  return to;
}

at::Scalar item(const at::Tensor& tensor) {
  count_synchronization("item");
  return on_host(tensor).item();
}

const at::Tensor& resize(const at::Tensor& tensor, at::IntArrayRef sizes,
                         std::optional<at::MemoryFormat> format) {
  if (tensor.sizes() != sizes) {
    replace(tensor, empty(sizes, tensor.scalar_type(), {}, tensor.device(), {}, format));
  }
  return tensor;
}

void refuse(const c10::OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* /*stack*/) {
  TORCH_CHECK(false, "stand-in device: ", op.schema().name(), " is not imitated");
}

// Whatever the CPU has a kernel for gets one here: an operator that only falls back would take its
// way through its out= form, which not all of them survive.
void register_all(torch::Library& library) {
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findOp(name);
    if (!name.name.starts_with("aten::") || !op || !op->hasSchema() ||
        !op->hasKernelForDispatchKey(c10::DispatchKey::CPU)) {
      continue;
    }
    const auto suffix = name.overload_name.empty() ? "" : "." + name.overload_name;
    const auto own = name.name.substr(std::string("aten::").size()) + suffix;
    static const std::set<std::string> written_here = {"empty.memory_format",
                                                       "empty_strided",
                                                       "copy_",
                                                       "_local_scalar_dense",
                                                       "resize_",
                                                       "_fused_sdp_choice",
                                                       "native_layer_norm",
                                                       "native_layer_norm_backward"};
    if (written_here.contains(own)) {
      continue;
    }
    library.impl(own.c_str(), own.starts_with("set_")
                                  ? torch::CppFunction::makeFromBoxedFunction<&refuse>()
                                  : torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
  }
}

TORCH_LIBRARY_IMPL(_, CUDA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  register_all(library);
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("copy_", &copy);
  library.impl("_local_scalar_dense", &item);
  library.impl("resize_", &resize);
}

}  // namespace
}  // namespace moca::stand_in
