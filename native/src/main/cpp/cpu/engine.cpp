#include "engine.hpp"

#include "d4j_cpu.h"
#include "status.hpp"

#include <omp.h>

namespace d4j {

Engine::Engine(int threads) : threads(threads), onednn(dnnl::engine::kind::cpu, 0), stream(onednn) {}

Team::Team(int threads) : previous_(omp_get_max_threads()) { omp_set_num_threads(threads); }
Team::~Team() { omp_set_num_threads(previous_); }

std::shared_ptr<Engine> engine_of(std::int64_t handle) {
    require(handle != 0, "the engine handle is 0");
    return reinterpret_cast<EngineHandle*>(handle)->engine;
}

int team_for(const Engine& engine, double work) {
    // A core does 30 to 100 G multiply-adds a second: 2e5 of them are about as long as waking the team.
    constexpr double kSerialWork = 2e5;
    return work < kSerialWork ? 1 : engine.threads;
}

}  // namespace d4j

int d4j_engine_create(int32_t threads, int64_t* engine) {
    return d4j::guarded([&] {
        d4j::require(threads >= 1 && threads <= 1024, "threads must be in 1..1024");
        auto handle = std::make_unique<d4j::EngineHandle>();
        handle->engine = std::make_shared<d4j::Engine>(threads);
        *engine = reinterpret_cast<int64_t>(handle.release());
    });
}

int d4j_engine_destroy(int64_t engine) {
    return d4j::guarded([&] { delete reinterpret_cast<d4j::EngineHandle*>(engine); });
}
