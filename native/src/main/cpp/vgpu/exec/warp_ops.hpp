// Instructions in which lanes of a warp see each other, and moves between register shapes.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

enum class ShuffleMode : uint8_t { Up, Down, Bfly, Idx };
enum class VoteMode : uint8_t { All, Any, Uni, Ballot };
enum class ReduxOp : uint8_t { Add, Min, Max, And, Or, Xor };

/// d value, e predicate or SINK, a source, b lane, c clamp; the member mask is row sync.
Handler shuffleHandler(ShuffleMode mode);
/// The lane that a shuffle reads for this one; Instr::size is the mode.
int shuffleSource(const Warp& warp, const Instr& instr, int lane);
/// a predicate, flag: negated; d predicate, or 32-bit for ballot.
Handler voteHandler(VoteMode mode);
/// match.any and match.all over 4- or 8-byte values; e is the predicate of match.all.
Handler matchHandler(bool all, uint32_t bytes);
Handler reduxHandler(ReduxOp op, ptx::Type type);
void elect(Warp& warp, const Instr& instr, uint32_t mask);
void activeMask(Warp& warp, const Instr& instr, uint32_t mask);
void nothing(Warp& warp, const Instr& instr, uint32_t mask);
void trap(Warp& warp, const Instr& instr, uint32_t mask);
void readClock(Warp& warp, const Instr& instr, uint32_t mask);  // imm: 0 low 32 bits, 1 high, 2 all 64
void readTimer(Warp& warp, const Instr& instr, uint32_t mask);  // the same for nanoseconds

/// d = a + imm over 64 bits, for cvta and addresses of variables.
void addImmediate64(Warp& warp, const Instr& instr, uint32_t mask);
/// isspacep: d predicate, a generic address, imm: 0 global, 1 shared, 2 local, 3 param.
void isSpace(Warp& warp, const Instr& instr, uint32_t mask);

/// mov of a vector: the parts in v to d, or a to the parts in v. bytes are those of the whole.
Handler packHandler(uint32_t bytes, uint32_t parts);
Handler unpackHandler(uint32_t bytes, uint32_t parts);
/// The two predicates in rows a and b to halves of d: imm is the value for true.
void predicatesToHalves(Warp& warp, const Instr& instr, uint32_t mask);

/// ldmatrix: n matrices from the row addresses in a.
Handler matrixLoadHandler(bool transposed);
/// The first half of stmatrix: n fragments, then four words of a matrix row, in v; lane 8j + r gets row r of matrix j, and
/// predicate e says which lanes have one.
Handler matrixRowsHandler(bool transposed);
/// movmatrix: the transpose of fragment a to d.
void matrixTranspose(Warp& warp, const Instr& instr, uint32_t mask);
/// The lanes whose fragments hold word k of row r of an 8x8 matrix, or of its transpose.
uint32_t matrixWordLanes(bool transposed, uint32_t r, uint32_t k);

}  // namespace vgpu
