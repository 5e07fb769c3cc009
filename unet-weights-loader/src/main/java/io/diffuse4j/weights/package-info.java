/** safetensors files, diffusers configurations, pipeline folders and bundled models. */
package io.diffuse4j.weights;
