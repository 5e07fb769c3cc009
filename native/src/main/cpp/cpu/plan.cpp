// A plan: bound ops in order.
#include "d4j_cpu.h"
#include "op.hpp"
#include "status.hpp"

#include <chrono>
#include <memory>
#include <vector>

namespace d4j {

namespace {

struct Plan {
    std::shared_ptr<Engine> engine;
    std::vector<Op*> ops;
    LiveObject live;
};

Plan* plan_of(std::int64_t handle) {
    require(handle != 0, "the plan handle is 0");
    return reinterpret_cast<Plan*>(handle);
}

}  // namespace

}  // namespace d4j

int d4j_plan_create(int64_t engine, const int64_t* ops, int32_t count, int64_t* plan) {
    return d4j::guarded([&] {
        d4j::require(count >= 0, "count must not be negative");
        auto created = std::make_unique<d4j::Plan>();
        created->engine = d4j::engine_of(engine);
        for (int32_t i = 0; i < count; ++i) {
            d4j::require(ops[i] != 0, "an op handle is 0");
            auto* handle = reinterpret_cast<d4j::OpHandle*>(ops[i]);
            if (!handle->bound) {
                throw std::invalid_argument("op " + std::to_string(i) + " (" + handle->implementation +
                                            ") has no addresses: bind it first");
            }
            created->ops.push_back(handle->op.get());
        }
        *plan = reinterpret_cast<int64_t>(created.release());
    });
}

int d4j_plan_run(int64_t plan) {
    return d4j::guarded([&] {
        d4j::Plan* p = d4j::plan_of(plan);
        const d4j::Team team(p->engine->threads);
        for (d4j::Op* op : p->ops) op->run();
    });
}

int d4j_plan_run_timed(int64_t plan, int64_t* nanoseconds, int32_t count) {
    return d4j::guarded([&] {
        d4j::Plan* p = d4j::plan_of(plan);
        d4j::require(count >= 0 && static_cast<std::size_t>(count) == p->ops.size(), "count must be the plan's ops");
        const d4j::Team team(p->engine->threads);
        for (int32_t i = 0; i < count; ++i) {
            const auto start = std::chrono::steady_clock::now();
            p->ops[i]->run();
            nanoseconds[i] =
                std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
        }
    });
}

int d4j_plan_destroy(int64_t plan) {
    return d4j::guarded([&] { delete reinterpret_cast<d4j::Plan*>(plan); });
}
