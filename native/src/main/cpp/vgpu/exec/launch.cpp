// Launches: checks of the configuration, and host threads that run blocks.
#include "check/checks.hpp"
#include "check/observer.hpp"
#include "check/tally.hpp"
#include "exec/block.hpp"
#include "exec/loaded_kernel.hpp"
#include "memory/memory_state.hpp"

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <random>
#include <thread>

namespace vgpu {

void arenaBounds(Memory& memory, uint64_t& begin, uint64_t& end) {
    begin = memory.state().begin;
    end = memory.state().end;
}

namespace {

// A block runs this many instructions before others get a turn: long enough that blocks rarely interleave, short enough
// that one that spins for another block does not stop the machine. One that sleeps meanwhile ends its own turn; one that
// used up a long turn may be spinning and gets short ones, and so do all of a cooperative launch that never sleeps.
constexpr uint64_t LONG_TURN = 4u << 20, SHORT_TURN = 1u << 12;
// A random schedule interleaves blocks: first turns are RANDOM_TURN times a power of two up to a short turn, so that a block
// may be set aside when it has hardly begun, and one that waits for another does not do so for long.
constexpr uint64_t RANDOM_TURN = SHORT_TURN >> 6;
constexpr unsigned RANDOM_TURNS = 7;
constexpr uint32_t DEFAULT_RESIDENT = 256;
constexpr uint64_t MAX_BLOCK_BYTES = 1ull << 30;

[[noreturn]] void refuse(Status status, const std::string& message) { throw LaunchError(status, message); }

std::string dims(const Dim3& d) { return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")"; }

void checkConfiguration(const KernelInfo& k, const Program& p, const LaunchConfig& c) {
    const std::string kernel = "kernel " + k.name + ": ";
    if (c.grid.x == 0 || c.grid.y == 0 || c.grid.z == 0 || c.grid.x > 0x7fffffffu || c.grid.y > 65535 || c.grid.z > 65535) {
        refuse(Status::InvalidValue, kernel + "grid " + dims(c.grid) + " is outside 1..2147483647 x 1..65535 x 1..65535");
    }
    if (c.block.x == 0 || c.block.y == 0 || c.block.z == 0 || c.block.x > 1024 || c.block.y > 1024 || c.block.z > 64 || c.block.count() > 1024) {
        refuse(Status::InvalidValue, kernel + "block " + dims(c.block) + " is outside 1..1024 x 1..1024 x 1..64 with at most 1024 threads");
    }
    if (c.block.count() > k.maxThreads) {
        refuse(Status::InvalidValue, kernel + "block " + dims(c.block) + " has more threads than the " + std::to_string(k.maxThreads) + " that its launch bounds allow");
    }
    const Dim3& r = k.requiredBlock;
    if (r.x != 0 && (r.x != c.block.x || r.y != c.block.y || r.z != c.block.z)) {
        refuse(Status::InvalidValue, kernel + "block " + dims(c.block) + " is not the " + dims(r) + " that .reqntid demands");
    }
    if (c.parameters.size() != k.parameterBytes) {
        refuse(Status::InvalidValue, kernel + "takes " + std::to_string(k.parameterBytes) + " bytes of parameters, " + std::to_string(c.parameters.size()) + " were given");
    }
    uint64_t shared = uint64_t(k.staticSharedBytes) + c.dynamicSharedBytes;
    if (shared > c.maxSharedBytes) {
        refuse(Status::InvalidValue, kernel + std::to_string(shared) + " bytes of shared memory (" + std::to_string(k.staticSharedBytes) + " static) exceed the " +
                                         std::to_string(c.maxSharedBytes) + " that a block may have");
    }
    uint64_t local = p.localBytes + (p.hasRecursion ? c.stackBytes : 0);
    if ((local * 32 + p.registerBytes) * ((c.block.count() + 31) / 32) > MAX_BLOCK_BYTES) {
        refuse(Status::LaunchOutOfResources, kernel + "local memory of " + std::to_string(local) + " bytes a thread is too much for a block of this size");
    }
    for (uint64_t b : c.blocks) {
        if (b >= c.grid.count()) refuse(Status::InvalidValue, kernel + "block " + std::to_string(b) + " is not in the grid");
    }
}

std::vector<uint64_t> blockOrder(const LaunchConfig& c) {
    std::vector<uint64_t> order = c.blocks;
    if (order.empty() && c.schedule.order == Schedule::Random) {
        order.resize(c.grid.count());
        std::iota(order.begin(), order.end(), 0);
    }
    if (c.schedule.order == Schedule::Random) {
        std::mt19937_64 random(c.schedule.seed);
        std::shuffle(order.begin(), order.end(), random);
    } else if (c.schedule.order == Schedule::Reverse) {
        std::reverse(order.begin(), order.end());
    }
    return order;
}

class Worker {
public:
    Worker(LaunchContext& launch, std::atomic<uint64_t>& next, const std::vector<uint64_t>& order, uint64_t count, size_t resident, bool observed)
        : launch_(launch), next_(next), order_(order), count_(count), resident_(resident),
          random_(launch.config.schedule.seed) {
        if (observed) tally_.emplace(launch);
    }

    void run() {
        const bool spins = launch_.config.cooperative && !launch_.program.sleeps;
        while (!launch_.stop.load(std::memory_order_relaxed)) {
            std::unique_ptr<Block> block;
            uint64_t turn = LONG_TURN;
            if (suspended_.size() < resident_ && (block = startNext()) != nullptr) {
                if (launch_.config.schedule.order == Schedule::Random) turn = RANDOM_TURN << random_() % RANDOM_TURNS;
            } else if (!suspended_.empty()) {
                block = std::move(suspended_.front());
                suspended_.pop_front();
                if (block->exhausted) turn = SHORT_TURN;
            } else {
                break;
            }
            if (spins) turn = std::min(turn, SHORT_TURN);
            if (block->run(turn)) idle_.push_back(std::move(block));
            else suspended_.push_back(std::move(block));
        }
        if (tally_) tally_->addTo(launch_, counters);
    }

    Counters counters;

private:
    std::unique_ptr<Block> startNext() {
        uint64_t ordinal = next_.fetch_add(1, std::memory_order_relaxed);
        if (ordinal >= count_) return nullptr;
        uint64_t index = !order_.empty() ? order_[ordinal] : launch_.config.schedule.order == Schedule::Reverse ? count_ - 1 - ordinal : ordinal;
        std::unique_ptr<Block> block;
        if (idle_.empty()) {
            block = std::make_unique<Block>(launch_, tally_ ? &*tally_ : nullptr);
        } else {
            block = std::move(idle_.back());
            idle_.pop_back();
        }
        block->start(index);
        return block;
    }

    LaunchContext& launch_;
    std::atomic<uint64_t>& next_;
    const std::vector<uint64_t>& order_;
    uint64_t count_;
    size_t resident_;
    std::optional<Tally> tally_;
    std::mt19937_64 random_;
    std::deque<std::unique_ptr<Block>> idle_, suspended_;
};

}  // namespace

LaunchResult launch(Memory& memory, const Kernel& kernel, const LaunchConfig& config) {
    const auto& loaded = static_cast<const LoadedKernel&>(kernel);
    checkConfiguration(loaded.info(), loaded.program(), config);
    LaunchContext context(memory, loaded.program(), loaded.info(), config);
    context.params = config.parameters;
    context.params.resize(config.parameters.size() + 16);
    if (config.checks & CheckRace) context.races = makeGlobalRaces(context);

    const bool observed = config.checks != 0 || config.counters || config.lineCounters;
    std::vector<uint64_t> order = blockOrder(config);
    uint64_t count = config.blocks.empty() ? config.grid.count() : config.blocks.size();
    unsigned threads = config.hostThreads != 0 ? config.hostThreads : std::max(1u, std::thread::hardware_concurrency());
    threads = static_cast<unsigned>(std::min<uint64_t>(threads, count));
    uint64_t resident = config.residentBlocks != 0 ? config.residentBlocks : config.cooperative ? count : DEFAULT_RESIDENT;

    std::atomic<uint64_t> next{0};
    std::deque<Worker> workers;  // not movable
    for (unsigned i = 0; i < threads; ++i) workers.emplace_back(context, next, order, count, std::max<uint64_t>(1, (resident + threads - 1) / threads), observed);
    auto guarded = [&](Worker& w) {
        try {
            w.run();
        } catch (const std::exception& e) {
            context.fail(Status::OutOfMemory, std::string("the host ran out of memory for the launch: ") + e.what());
        }
    };
    std::vector<std::thread> pool;
    for (size_t i = 1; i < workers.size(); ++i) pool.emplace_back([&guarded, &w = workers[i]] { guarded(w); });
    guarded(workers[0]);
    for (std::thread& t : pool) t.join();

    LaunchResult result;
    result.status = context.status();
    result.message = context.message();
    result.diagnostics = context.takeDiagnostics();
    for (const Worker& w : workers) mergeCounters(result.counters, w.counters);
    finishCounters(context, result.counters);
    return result;
}

}  // namespace vgpu
