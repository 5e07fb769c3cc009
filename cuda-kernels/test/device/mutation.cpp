// A survey runs all cases once and records which launches execute which mutated instructions. Then the cases run again;
// before a launch that shall test a mutant the process forks, and the child launches the mutant instead, goes on with
// the case and reports. So cases know nothing of mutation, no mutant can harm the next one, and data and context are
// those of the original up to that launch.
//
// A mutant meets its smallest launch first, which notices most; the others follow for those that survive it. A case ends
// when it has freed all its memory.
#include "test/device/mutation.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <unordered_map>

namespace d4j::test {
namespace {

struct Mutant {
    std::string name, image, kernel;
    size_t line;
    std::string replacement;
    std::vector<size_t> launches;  // that execute the instruction, smallest first
    std::string verdict;
};

struct Launch {
    std::string kernel;
    int ofCase;
    double cost;  // warp instructions
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

std::vector<Mutant> readMutants(const std::string& path) {
    std::ifstream file(path);
    std::vector<Mutant> mutants;
    for (std::string line; std::getline(file, line);) {
        std::vector<std::string> fields = split(line, '\t');
        fields.resize(5);  // an empty replacement at the end of a line is no field
        mutants.push_back({fields[0], fields[1], fields[2], std::stoul(fields[3]), fields[4], {}, {}});
    }
    if (mutants.empty()) {
        throw std::runtime_error("no mutants in " + path);
    }
    return mutants;
}

/// The kinds of findings in the virtual GPU's records, in the order of their first appearance.
std::string kindsOf(const std::string& diagnostics) {
    std::string kinds;
    std::set<std::string> seen;
    for (const std::string& line : split(diagnostics, '\n')) {
        if (line.rfind("kind=", 0) == 0 && seen.insert(line).second) {
            kinds += (kinds.empty() ? "" : "+") + line.substr(5);
        }
    }
    return kinds;
}

/// Images with all kernels but one left out, and source locations too: they are half of the text. Lines keep their
/// numbers.
class MutatedImages {
public:
    std::string text(const Suite& suite, const Mutant& mutant) {
        std::vector<std::string>& lines = lines_[mutant.image];
        if (lines.empty()) {
            lines = split(suite.image(mutant.image), '\n');
        }
        std::string text;
        bool dropped = false;
        std::ptrdiff_t depth = 0;  // of braces in the dropped kernel
        for (size_t i = 0; i < lines.size(); ++i) {
            const std::string& line = lines[i];
            const size_t entry = line.find(".entry ");
            if (entry != std::string::npos) {
                dropped = line.compare(entry + 7, std::string::npos, mutant.kernel + "(") != 0;
            }
            if (i + 1 == mutant.line) {
                text += mutant.replacement;
            } else if (!dropped && line.rfind("\t.loc\t", 0) != 0) {
                text += line;
            }
            text += '\n';
            if (dropped) {
                const std::ptrdiff_t closing = std::count(line.begin(), line.end(), '}');
                depth += std::count(line.begin(), line.end(), '{') - closing;
                dropped = closing == 0 || depth > 0;
            }
        }
        return text;
    }

private:
    std::map<std::string, std::vector<std::string>> lines_;
};

class MutationRun : public Gpu {
public:
    MutationRun(const std::string& library, std::vector<Mutant> mutants) : Gpu(library), mutants_(std::move(mutants)) {
        for (Mutant& mutant : mutants_) {
            ofKernel_[mutant.kernel][mutant.line].push_back(&mutant);
        }
    }

    void* kernel(void* module, const char* name, int dynamicSharedBytes) override {
        void* function = Gpu::kernel(module, name, dynamicSharedBytes);
        functions_[function] = {name, dynamicSharedBytes};
        return function;
    }

    /// Runs all cases: the survey if there has been none, else what is planned.
    void run(Suite& suite, void (*family)(Suite&)) {
        suite_ = &suite;
        suite.random.seed(Suite::kSeed);
        configure("schedule=random:1");  // blocks wait for each other in no other
        launch_ = 0;
        case_ = 0;
        if (!surveying_) {
            configure("check=init,lines=off,threads=1");  // so that what the originals leave behind counts as written
        }
        family(suite);
        if (surveying_) {
            surveying_ = false;
            for (Mutant& mutant : mutants_) {
                std::stable_sort(mutant.launches.begin(), mutant.launches.end(),
                                 [&](size_t a, size_t b) { return launches_[a].cost < launches_[b].cost; });
                mutant.verdict = mutant.launches.empty() ? "unreached" : "survived";
            }
        }
        plan_.clear();
    }

    /// Plans those of the launches [begin, end) of each surviving mutant that there are. Returns the number of tests.
    size_t plan(size_t begin, size_t end) {
        size_t tests = 0;
        for (Mutant& mutant : mutants_) {
            if (mutant.verdict != "survived") {
                continue;
            }
            for (size_t i = begin; i < std::min(end, mutant.launches.size()); ++i) {
                const size_t launch = mutant.launches[i];
                plan_[launch].push_back(&mutant);
                ++tests;
            }
        }
        return tests;
    }

    void judge(const std::string& name, double error, double limit) {
        const std::string kinds = surveying_ || isChild() ? kindsOf(takeDiagnostics()) : "";
        const bool right = error <= limit && kinds.empty();
        if (surveying_ && !right) {
            throw std::runtime_error(name + " fails without any mutant");
        }
        if (isChild() && !right) {
            report(kinds.empty() ? "result" : kinds);
        }
    }

    uint64_t allocate(size_t bytes) override {
        ++allocations_;
        return Gpu::allocate(bytes);
    }

    void free(uint64_t address) noexcept override {
        Gpu::free(address);
        if (--allocations_ > 0) {
            return;
        }
        if (isChild()) {
            report("survived");
        }
        ++case_;
    }

    void print() const {
        for (const Mutant& mutant : mutants_) {
            std::printf("%s\t%s\t%zu launches\n", mutant.name.c_str(), mutant.verdict.c_str(), mutant.launches.size());
        }
    }

protected:
    void execute(void* function, Grid grid, int threads, int sharedBytes, void** arguments, bool together) override {
        const std::string& name = functions_.at(function).name;
        const size_t launch = launch_++;
        if (surveying_) {
            survey(name, [&] { Gpu::execute(function, grid, threads, sharedBytes, arguments, together); });
            return;
        }
        if (!isChild()) {
            testPlanned(launch);
        }
        if (!isChild()) {
            if (plan_.upper_bound(launch) != plan_.end()) {
                Gpu::execute(function, grid, threads, sharedBytes, arguments, together);
            }
            return;
        }
        try {
            void* actual = child_->kernel == name ? mutated(functions_.at(function).dynamicSharedBytes) : function;
            Gpu::execute(actual, grid, threads, sharedBytes, arguments, together);
        } catch (const std::exception& e) {
            failed(e);
        }
        const std::string kinds = kindsOf(takeDiagnostics());
        if (!kinds.empty()) {
            report(kinds);
        }
    }

private:
    struct Function {
        std::string name;
        int dynamicSharedBytes;
    };

    bool isChild() const { return child_ != nullptr; }

    template <class Execute>
    void survey(const std::string& name, Execute execute) {
        const auto mutants = ofKernel_.find(name);
        const bool wanted = mutants != ofKernel_.end();
        configure(wanted ? "check=none,lines=on,threads=1" : "check=none,lines=off,threads=1");
        clear("launches");
        execute();
        std::istringstream record(read("launches"));
        launches_.push_back({name, case_, 0});
        for (std::string line; std::getline(record, line);) {
            if (line.rfind("warpInstructions=", 0) == 0) {
                launches_.back().cost = std::stod(line.substr(line.find('=') + 1));
            } else if (wanted && line.rfind("executedLines=", 0) == 0) {
                for (const std::string& number : split(line.substr(line.find('=') + 1), ',')) {
                    const auto here = mutants->second.find(std::stoul(number));
                    if (here == mutants->second.end()) {
                        continue;
                    }
                    for (Mutant* mutant : here->second) {
                        mutant->launches.push_back(launches_.size() - 1);
                    }
                }
            }
        }
    }

    void testPlanned(size_t launch) {
        const auto planned = plan_.find(launch);
        if (planned == plan_.end()) {
            return;
        }
        for (Mutant* mutant : planned->second) {
            if (mutant->verdict == "survived") {
                test(*mutant);
            }
            if (isChild()) {
                return;
            }
        }
    }

    /// Forks. The child returns as one; the parent when it knows the verdict.
    void test(Mutant& mutant) {
        int pipes[2];
        if (pipe(pipes) != 0) {
            throw std::runtime_error("pipe failed");
        }
        std::fflush(nullptr);
        takeDiagnostics();
        const pid_t pid = fork();
        if (pid < 0) {
            throw std::runtime_error("fork failed");
        }
        if (pid == 0) {
            close(pipes[0]);
            become(mutant, pipes[1]);
            return;
        }
        close(pipes[1]);
        std::string verdict;
        char buffer[256];
        for (ssize_t n; (n = ::read(pipes[0], buffer, sizeof buffer)) > 0;) {
            verdict.append(buffer, static_cast<size_t>(n));
        }
        close(pipes[0]);
        int status = 0;
        waitpid(pid, &status, 0);
        mutant.verdict = WIFSIGNALED(status) ? "crash " + std::to_string(WTERMSIG(status)) : verdict;
        if (mutant.verdict.empty()) {
            throw std::runtime_error("no verdict on " + mutant.name);
        }
    }

    void become(const Mutant& mutant, int verdictPipe) {
        child_ = &mutant;
        verdictPipe_ = verdictPipe;
        constexpr unsigned kSeconds = 600;  // far beyond any case, for a virtual GPU that hangs
        alarm(kSeconds);
        double longest = 0;
        for (const Launch& launch : launches_) {
            if (launch.ofCase == case_) {
                longest = std::max(longest, launch.cost);
            }
        }
        // Mutants that execute a little more than the original are not at fault for that.
        configure("check=all,lines=off,threads=1,limit=" + std::to_string(static_cast<uint64_t>(4 * longest + 10000)));
    }

    void* mutated(int dynamicSharedBytes) {
        if (mutated_ == nullptr) {
            void* module = loadModule(images_.text(*suite_, *child_));
            mutated_ = Gpu::kernel(module, child_->kernel.c_str(), dynamicSharedBytes);
        }
        return mutated_;
    }

    /// What ends a launch of the mutant.
    [[noreturn]] void failed(const std::exception& e) {
        const std::string kinds = kindsOf(takeDiagnostics());
        const std::string what = e.what(), status = what.substr(what.rfind(' ') + 1);
        constexpr const char* kLaunchTimeout = "702";
        report(!kinds.empty() ? kinds : status == kLaunchTimeout ? "limit" : "error " + status);
    }

    [[noreturn]] void report(const std::string& verdict) {
        const ssize_t written = write(verdictPipe_, verdict.data(), verdict.size());
        _exit(written == static_cast<ssize_t>(verdict.size()) ? 0 : 1);
    }

    std::vector<Mutant> mutants_;
    std::unordered_map<std::string, std::unordered_map<size_t, std::vector<Mutant*>>> ofKernel_;  // by kernel and line
    std::unordered_map<void*, Function> functions_;
    std::vector<Launch> launches_;
    std::map<size_t, std::vector<Mutant*>> plan_;
    MutatedImages images_;
    Suite* suite_ = nullptr;
    bool surveying_ = true;
    size_t launch_ = 0;
    int case_ = 0, allocations_ = 0;
    const Mutant* child_ = nullptr;  // what this process is, if it is no longer the original
    int verdictPipe_ = -1;
    void* mutated_ = nullptr;
};

class MutationSuite : public Suite {
public:
    MutationSuite(MutationRun& run, const std::string& images) : Suite(run, images, false), run_(run) {}

    void judge(const std::string& name, double error, double limit) override { run_.judge(name, error, limit); }

private:
    MutationRun& run_;
};

}  // namespace

int testMutants(const std::string& library, const std::string& images, void (*family)(Suite&), const std::string& mutants) {
    MutationRun run(library, readMutants(mutants));
    MutationSuite suite(run, images);
    run.run(suite, family);  // the survey
    for (const auto& [begin, end] : {std::pair<size_t, size_t>{0, 1}, {1, SIZE_MAX}}) {
        if (run.plan(begin, end) > 0) {
            run.run(suite, family);
        }
    }
    run.print();
    return 0;
}

}  // namespace d4j::test
