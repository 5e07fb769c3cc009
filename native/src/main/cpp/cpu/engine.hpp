// A oneDNN engine with its stream, and the size of the OpenMP team.
#pragma once

#include "memory.hpp"

#include <memory>

#include <oneapi/dnnl/dnnl.hpp>

namespace d4j {

struct Engine {
    explicit Engine(int threads);

    const int threads;
    const dnnl::engine onednn;
    // In order, as every stream of a CPU engine; running a primitive on it returns when it is done.
    dnnl::stream stream;
};

// Sets the calling thread's OpenMP team, and puts the old one back. oneDNN asks for it both when it lays out a
// primitive and when it runs one.
class Team {
public:
    explicit Team(int threads);
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;
    ~Team();

private:
    int previous_;
};

// What a handle points to: ops and plans share the engine, so the order of destruction does not matter.
struct EngineHandle {
    std::shared_ptr<Engine> engine;
    LiveObject live;
};

std::shared_ptr<Engine> engine_of(std::int64_t handle);

// The team for an op of this many multiply-adds or, for a pass over memory, elements times ten. Waking a team and
// waiting for it costs a few microseconds; below that the work is done sooner by one thread. Depends on the op alone,
// so that the threads of an engine change no bits.
int team_for(const Engine& engine, double work);

}  // namespace d4j
