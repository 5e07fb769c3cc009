#include "driver/graph_nodes.hpp"

#include "driver/copy.hpp"
#include "driver/launch.hpp"

namespace vgpu::driver {

std::vector<std::shared_ptr<GraphNode>> nodesOf(Call& call, const CUgraphNode* handles, size_t count) {
    if (count > 0) requirePointer(handles, "dependencies");
    std::vector<std::shared_ptr<GraphNode>> nodes;
    for (size_t i = 0; i < count; i++) nodes.push_back(call.driver.nodes.get(handles[i]));
    return nodes;
}

Work workOf(Call& call, const CUgraphNodeParams& p) {
    switch (p.type) {
        case CU_GRAPH_NODE_TYPE_KERNEL: return kernelWork(call.driver, p.kernel, false);
        case CU_GRAPH_NODE_TYPE_MEMCPY: return boxCopy(call, p.memcpy.copyParams);
        case CU_GRAPH_NODE_TYPE_MEMSET:
            return fillWork(call, p.memset.dst, p.memset.pitch, p.memset.value, p.memset.elementSize, p.memset.width,
                            p.memset.height);
        case CU_GRAPH_NODE_TYPE_HOST:
            if (p.host.fn == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "fn is null");
            return HostWork{p.host.fn, p.host.userData};
        case CU_GRAPH_NODE_TYPE_GRAPH: return ChildWork{call.driver.graphs.get(p.graph.graph)};
        case CU_GRAPH_NODE_TYPE_EMPTY: return EmptyWork{};
        case CU_GRAPH_NODE_TYPE_WAIT_EVENT: return WaitWork{call.driver.events.get(p.event.event)};
        case CU_GRAPH_NODE_TYPE_EVENT_RECORD: return RecordWork{call.driver.events.get(p.event.event)};
        default: fail(CUDA_ERROR_NOT_SUPPORTED, "graph nodes of type " + std::to_string(p.type) + " are not implemented");
    }
}

CUgraphNodeType typeOf(const Work& work) {
    // In the order of the alternatives of Work; a free is never a node.
    constexpr CUgraphNodeType types[] = {
        CU_GRAPH_NODE_TYPE_EMPTY, CU_GRAPH_NODE_TYPE_KERNEL,       CU_GRAPH_NODE_TYPE_MEMCPY,
        CU_GRAPH_NODE_TYPE_MEMSET, CU_GRAPH_NODE_TYPE_HOST,        CU_GRAPH_NODE_TYPE_EMPTY,
        CU_GRAPH_NODE_TYPE_EVENT_RECORD, CU_GRAPH_NODE_TYPE_WAIT_EVENT, CU_GRAPH_NODE_TYPE_GRAPH,
    };
    static_assert(std::variant_size_v<Work> == sizeof types / sizeof types[0], "one type for each alternative");
    return types[work.index()];
}

void setWork(GraphNode& node, Work work) {
    require(typeOf(node.work) == typeOf(work), CUDA_ERROR_INVALID_VALUE, "the node is of another type");
    node.work = std::move(work);
}

GraphNode& executableNode(Call& call, CUgraphExec executable, CUgraphNode node) {
    std::shared_ptr<GraphExec> found = call.driver.executables.get(executable);
    auto own = found->byOriginal.find(node);
    require(own != found->byOriginal.end(), CUDA_ERROR_INVALID_VALUE,
            "the executable graph was not instantiated from a graph with this node");
    return *own->second;
}

}  // namespace vgpu::driver
