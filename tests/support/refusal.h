#pragma once

#include <gtest/gtest.h>

#include <string>

#include "moca/core/error.h"

namespace moca::testing {

// The message with which `action` refuses a user's mistake, which must be one line; "accepted" when
// it refuses nothing. Anything but an Error passes through and fails the test.
template <class Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << "not one line: " << message;
    return message;
  }
  return "accepted";
}

}  // namespace moca::testing
