#include "tensors.h"

#include <ATen/ATen.h>

#include "memory.h"

namespace moca::stand_in {

at::Tensor on_host(const at::Tensor& tensor) {
  if (tensor.storage().nbytes() == 0 || tensor.numel() == 0) {
    return at::empty_strided(tensor.sizes(), tensor.strides(), tensor.scalar_type());
  }
  // All of the storage: as_strided may leave the tensor's own part.
  c10::Storage storage(c10::Storage::use_byte_size_t(), tensor.storage().nbytes(),
                       c10::DataPtr(host_address(tensor.storage().data()), c10::kCPU));
  auto result = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor.dtype());
  auto* const impl = result.unsafeGetTensorImpl();
  impl->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
  return result;
}

at::Tensor view_on_device(const at::Tensor& base, const at::Tensor& found) {
  const auto* const begin = static_cast<const char*>(host_address(base.storage().data()));
  const auto bytes = static_cast<const char*>(found.const_data_ptr()) - begin;
  auto result = at::detail::make_tensor<c10::TensorImpl>(
      c10::TensorImpl::VIEW, c10::Storage(base.storage()), base.key_set(), found.dtype());
  result.unsafeGetTensorImpl()->set_sizes_and_strides(
      found.sizes(), found.strides(), bytes / static_cast<int64_t>(found.element_size()));
  return result;
}

at::Tensor copied_to(c10::Device device, const at::Tensor& tensor) {
  const auto result =
      at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(device));
  if (tensor.numel() > 0) {
    on_host(result).copy_(tensor);
  }
  return result;
}

void replace(const at::Tensor& tensor, const at::Tensor& other) {
  auto* const impl = tensor.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(other.storage());
  impl->set_sizes_and_strides(other.sizes(), other.strides(), other.storage_offset());
}

}  // namespace moca::stand_in
