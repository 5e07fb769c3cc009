// The modifiers of one instruction, taken one by one; what is left at the end is not implemented.
#pragma once

#include "ptx/ast.hpp"

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

namespace vgpu {

/// A problem with one instruction; the translator adds its text and line.
class TranslateError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Modifiers {
public:
    explicit Modifiers(const std::vector<std::string>& names) : names_(names), taken_(names.size(), false) {}

    bool take(const std::string& name) {
        for (size_t i = 0; i < names_.size(); ++i) {
            if (!taken_[i] && names_[i] == name) {
                taken_[i] = true;
                return true;
            }
        }
        return false;
    }

    /// The first of these that is present, or "".
    std::string takeOne(std::initializer_list<const char*> choices) {
        for (size_t i = 0; i < names_.size(); ++i) {
            if (taken_[i]) continue;
            for (const char* c : choices) {
                if (names_[i] == c) {
                    taken_[i] = true;
                    return names_[i];
                }
            }
        }
        return "";
    }

    /// The next type in order; None if there is none.
    ptx::Type takeType() {
        for (size_t i = 0; i < names_.size(); ++i) {
            if (taken_[i]) continue;
            ptx::Type t = ptx::typeNamed(names_[i]);
            if (t != ptx::Type::None) {
                taken_[i] = true;
                return t;
            }
        }
        return ptx::Type::None;
    }

    ptx::Type needType() {
        ptx::Type t = takeType();
        if (t == ptx::Type::None) throw TranslateError("the type is missing");
        return t;
    }

    /// Whether a modifier that has not been taken starts so.
    bool takePrefix(const std::string& prefix) {
        for (size_t i = 0; i < names_.size(); ++i) {
            if (!taken_[i] && names_[i].compare(0, prefix.size(), prefix) == 0) {
                taken_[i] = true;
                return true;
            }
        }
        return false;
    }

    void finish() const {
        for (size_t i = 0; i < names_.size(); ++i) {
            if (!taken_[i]) throw TranslateError("modifier '." + names_[i] + "' is not implemented here");
        }
    }

private:
    const std::vector<std::string>& names_;
    std::vector<bool> taken_;
};

}  // namespace vgpu
