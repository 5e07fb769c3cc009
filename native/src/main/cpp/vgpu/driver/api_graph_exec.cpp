// Executable graphs: instantiate, update and launch.
#include "driver/graph_nodes.hpp"
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

constexpr uint64_t flagDeviceLaunch = 4;

std::shared_ptr<GraphExec> instantiate(Call& call, CUgraph graph, uint64_t flags) {
    std::shared_ptr<Context> context = call.context();
    require(flags <= 15, CUDA_ERROR_INVALID_VALUE, "unknown instantiation flags");
    require(!(flags & flagDeviceLaunch), CUDA_ERROR_NOT_SUPPORTED, "launching graphs from the device is not implemented");
    std::shared_ptr<Graph> original = call.driver.graphs.get(graph);
    auto executable = std::make_shared<GraphExec>();
    executable->context = context;
    executable->flags = flags;
    topological(*original);  // throws when there is a cycle
    executable->graph = cloneGraph(call.driver, *original, false);
    for (const auto& node : executable->graph->nodes) executable->byOriginal[node->clonedFrom] = node;
    executable->handle = call.driver.executables.add(executable);
    return executable;
}

/// Copies the work of `from` into `into` if the two have the same shape; what differs otherwise, and at which node.
struct Difference {
    CUgraphExecUpdateResult result = CU_GRAPH_EXEC_UPDATE_SUCCESS;
    CUgraphNode node = nullptr;
};

Difference compare(const Graph& into, const Graph& from) {
    if (into.nodes.size() != from.nodes.size()) return {CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, nullptr};
    std::map<const GraphNode*, size_t> intoIndex, fromIndex;
    for (size_t i = 0; i < into.nodes.size(); i++) {
        intoIndex[into.nodes[i].get()] = i;
        fromIndex[from.nodes[i].get()] = i;
    }
    for (size_t i = 0; i < into.nodes.size(); i++) {
        const GraphNode &old = *into.nodes[i], &fresh = *from.nodes[i];
        if (typeOf(old.work) != typeOf(fresh.work)) return {CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED, fresh.handle};
        std::set<size_t> oldBefore, freshBefore;
        for (const auto& b : old.after) oldBefore.insert(intoIndex[b.lock().get()]);
        for (const auto& b : fresh.after) freshBefore.insert(fromIndex[b.lock().get()]);
        if (oldBefore != freshBefore) return {CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, fresh.handle};
        if (old.child) {
            Difference inner = compare(*old.child, *fresh.child);
            if (inner.result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return inner;
        }
    }
    return {};
}

void adopt(Graph& into, const Graph& from, std::map<CUgraphNode, std::shared_ptr<GraphNode>>* byOriginal) {
    for (size_t i = 0; i < into.nodes.size(); i++) {
        GraphNode& node = *into.nodes[i];
        if (node.child) adopt(*node.child, *from.nodes[i]->child, nullptr);
        else node.work = from.nodes[i]->work;
        node.clonedFrom = from.nodes[i]->handle;
        if (byOriginal) (*byOriginal)[node.clonedFrom] = into.nodes[i];
    }
}

}  // namespace

VGPU_DRIVER_API cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long flags) {
    return api("cuGraphInstantiateWithFlags", [&](Call& call) {
        requirePointer(executable, "phGraphExec");
        *executable = instantiate(call, graph, flags)->handle;
    });
}

VGPU_DRIVER_API cuGraphInstantiateWithParams(CUgraphExec* executable, CUgraph graph,
                                             CUDA_GRAPH_INSTANTIATE_PARAMS* parameters) {
    return api("cuGraphInstantiateWithParams", [&](Call& call) {
        requirePointer(executable, "phGraphExec");
        requirePointer(parameters, "instantiateParams");
        parameters->hErrNode_out = nullptr;
        parameters->result_out = 1;  // an error, unless the next line returns
        *executable = instantiate(call, graph, parameters->flags)->handle;
        parameters->result_out = 0;
    });
}

VGPU_DRIVER_API cuGraphInstantiate_v2(CUgraphExec* executable, CUgraph graph, CUgraphNode* errorNode, char* log,
                                      size_t logBytes) {
    if (errorNode) *errorNode = nullptr;
    if (log && logBytes > 0) *log = '\0';
    return cuGraphInstantiateWithFlags(executable, graph, 0);
}

VGPU_DRIVER_API cuGraphInstantiate(CUgraphExec* executable, CUgraph graph, CUgraphNode* errorNode, char* log,
                                   size_t logBytes) {
    return cuGraphInstantiate_v2(executable, graph, errorNode, log, logBytes);
}

VGPU_DRIVER_API cuGraphExecGetFlags(CUgraphExec executable, uint64_t* flags) {
    return api("cuGraphExecGetFlags", [&](Call& call) {
        requirePointer(flags, "flags");
        *flags = call.driver.executables.get(executable)->flags;
    });
}

VGPU_DRIVER_API cuGraphExecDestroy(CUgraphExec executable) {
    return api("cuGraphExecDestroy", [&](Call& call) {
        call.driver.executables.get(executable);
        call.driver.executables.remove(executable);
    });
}

VGPU_DRIVER_API cuGraphUpload(CUgraphExec executable, CUstream stream) {
    return api("cuGraphUpload", [&](Call& call) {
        call.driver.executables.get(executable);
        resolveStream(call, stream);
    });
}

VGPU_DRIVER_API cuGraphLaunch(CUgraphExec handle, CUstream stream) {
    return api("cuGraphLaunch", [&](Call& call) {
        std::shared_ptr<GraphExec> executable = call.driver.executables.get(handle);
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        if (resolved->capture) {
            enqueue(call, resolved, ChildWork{executable->graph});
            return;
        }
        // Launches of one executable graph do not overlap, whatever their streams.
        auto turn = std::make_shared<Operation>();
        turn->context = resolved->context.lock();
        submit(call, *resolved, turn, {executable->lastLaunch});
        enqueue(call, resolved, ChildWork{executable->graph});
        executable->lastLaunch = resolved->tail;
    });
}

VGPU_DRIVER_API cuGraphNodeSetEnabled(CUgraphExec executable, CUgraphNode node, unsigned enabled) {
    return api("cuGraphNodeSetEnabled", [&](Call& call) {
        GraphNode& found = executableNode(call, executable, node);
        CUgraphNodeType type = typeOf(found.work);
        require(type == CU_GRAPH_NODE_TYPE_KERNEL || type == CU_GRAPH_NODE_TYPE_MEMCPY || type == CU_GRAPH_NODE_TYPE_MEMSET,
                CUDA_ERROR_INVALID_VALUE, "only kernel, copy and memset nodes can be disabled");
        found.enabled = enabled != 0;
    });
}

VGPU_DRIVER_API cuGraphNodeGetEnabled(CUgraphExec executable, CUgraphNode node, unsigned* enabled) {
    return api("cuGraphNodeGetEnabled", [&](Call& call) {
        requirePointer(enabled, "isEnabled");
        *enabled = executableNode(call, executable, node).enabled;
    });
}

VGPU_DRIVER_API cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graph, CUgraphExecUpdateResultInfo* info) {
    return api("cuGraphExecUpdate_v2", [&](Call& call) {
        std::shared_ptr<GraphExec> executable = call.driver.executables.get(handle);
        std::shared_ptr<Graph> from = call.driver.graphs.get(graph);
        Difference difference = compare(*executable->graph, *from);
        if (info) *info = {difference.result, difference.node, nullptr};
        require(difference.result == CU_GRAPH_EXEC_UPDATE_SUCCESS, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE,
                "the graphs differ in more than parameters: instantiate again");
        adopt(*executable->graph, *from, &executable->byOriginal);
    });
}

VGPU_DRIVER_API cuGraphExecUpdate(CUgraphExec handle, CUgraph graph, CUgraphNode* errorNode,
                                  CUgraphExecUpdateResult* result) {
    CUgraphExecUpdateResultInfo info{};
    CUresult code = cuGraphExecUpdate_v2(handle, graph, &info);
    if (errorNode) *errorNode = info.errorNode;
    if (result) *result = info.result;
    return code;
}

VGPU_DRIVER_API cuGraphExecChildGraphNodeSetParams(CUgraphExec executable, CUgraphNode node, CUgraph child) {
    return api("cuGraphExecChildGraphNodeSetParams", [&](Call& call) {
        GraphNode& found = executableNode(call, executable, node);
        require(found.child != nullptr, CUDA_ERROR_INVALID_VALUE, "the node is no child graph");
        std::shared_ptr<Graph> from = call.driver.graphs.get(child);
        require(compare(*found.child, *from).result == CU_GRAPH_EXEC_UPDATE_SUCCESS, CUDA_ERROR_INVALID_VALUE,
                "the graphs differ in more than parameters");
        adopt(*found.child, *from, nullptr);
    });
}
