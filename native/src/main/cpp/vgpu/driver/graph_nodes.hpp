// Building the work of graph nodes from the structures of the API, and back.
#pragma once

#include "driver/execution.hpp"

namespace vgpu::driver {

std::vector<std::shared_ptr<GraphNode>> nodesOf(Call& call, const CUgraphNode* handles, size_t count);

/// The work that a generic parameter structure describes.
Work workOf(Call& call, const CUgraphNodeParams& parameters);
CUgraphNodeType typeOf(const Work& work);

/// The node's work as T. Throws INVALID_VALUE when the node is of another type.
template <class T>
T& workAs(GraphNode& node) {
    T* work = std::get_if<T>(&node.work);
    require(work != nullptr, CUDA_ERROR_INVALID_VALUE, "the node is of another type");
    return *work;
}

/// Replaces a node's work by other work of its type.
void setWork(GraphNode& node, Work work);
/// The node of an executable graph that stands for the one it was instantiated from.
GraphNode& executableNode(Call& call, CUgraphExec executable, CUgraphNode node);

}  // namespace vgpu::driver
