// Mutation: whether the cases and the checkers notice a kernel in which one instruction is missing or different.
#pragma once

#include <string>

#include "test/device/suite.hpp"

namespace d4j::test {

/// Runs the cases of a family against each mutant of a file, on the virtual GPU, and prints what noticed it. A line of
/// the file is one mutant: name, image, kernel, line of the PTX and its replacement, separated by tabs. A line of the
/// output is name, verdict and details. Verdicts:
///
///   unreached   no case executes the instruction
///   survived    every case that executes it passed, and no checker spoke
///   result      a result was wrong
///   memcheck, racecheck, initcheck, synccheck, deadlock, trap      a checker's findings; several are joined by +
///   limit       the launch did not end
///   error N     a driver call failed with status N
///   crash N     the virtual GPU died of signal N: a fault of the virtual GPU, whatever the mutant does
int testMutants(const std::string& library, const std::string& images, void (*family)(Suite&), const std::string& mutants);

}  // namespace d4j::test
