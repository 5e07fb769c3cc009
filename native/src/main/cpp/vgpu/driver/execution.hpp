// From descriptions of work to operations that do it, and from graphs to operations.
#pragma once

#include "driver/call.hpp"

namespace vgpu::driver {

/// An operation that does the work when it runs. ChildWork and the event works of graphs go through submitGraph.
OperationPtr makeOperation(Driver& driver, const std::shared_ptr<Context>& context, Work work);

/// Submits every node of the graph behind the stream's work; the stream's next work follows all of them.
void submitGraph(Call& call, Stream& stream, const Graph& graph);
/// Nodes such that each follows what it depends on. Throws INVALID_VALUE if there is a cycle.
std::vector<std::shared_ptr<GraphNode>> topological(const Graph& graph);

std::shared_ptr<GraphNode> addNode(Driver& driver, const std::shared_ptr<Graph>& graph, Work work,
                                   const std::vector<std::shared_ptr<GraphNode>>& after);
/// A deep copy; the copies remember which node they were cloned from.
std::shared_ptr<Graph> cloneGraph(Driver& driver, const Graph& graph, bool withHandles);
void destroyGraph(Driver& driver, const std::shared_ptr<Graph>& graph);

}  // namespace vgpu::driver
