@echo off
node "%~dp0..\apps\agent\dist\rstream-agent.js" %*
